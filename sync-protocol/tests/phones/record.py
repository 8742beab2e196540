#!/usr/bin/env python3
"""Records what the library `phonenumbers` knows, for the reader of phone numbers to be held to.

Run by hand when countries change their numbering (`pip install phonenumbers`, then this script; look at the difference, run the
tests, commit). It writes, beside itself, numbers.tsv: numbers of the twelve countries of the table in many dresses, with what the
library says of each, and of some other countries; and src/phone/codes.rs: every calling code with what a 0 behind it means and the lengths of
its numbers. The same version of the library gives the same files: nothing is random.
"""

import pathlib
import random
import re

import phonenumbers as lib
from phonenumbers import PhoneMetadata, PhoneNumberType

HERE = pathlib.Path(__file__).resolve().parent
CODES = HERE.parent.parent / "src" / "phone" / "codes.rs"
COUNTRIES = {
    "BDI": "BI", "ETH": "ET", "GHA": "GH", "KEN": "KE", "MOZ": "MZ", "MWI": "MW",
    "NGA": "NG", "RWA": "RW", "TZA": "TZ", "UGA": "UG", "ZMB": "ZM", "ZWE": "ZW",
}
# What is dialled before a whole number; where the country has several, the one that is written most.
ABROAD = {"KE": "000", "TZ": "000", "UG": "000", "NG": "009"}
# Countries beside the table: of every way in which a 0 behind the code can be meant.
OTHERS = ["ZA", "CD", "SD", "ZM", "DE", "GB", "FR", "IN", "CN", "IT", "CI", "BJ", "CG", "US", "AO", "BW", "SN", "DK", "HU", "RU"]
MOBILE = (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE)
NUMBERS_EACH = 7


def verdict(raw, region):
    """`mobile` with its E.164 form, `impossible`, or `other` (a fixed line, or a range that nobody has)."""
    try:
        number = lib.parse(raw, region)
    except lib.NumberParseException:
        return "impossible", ""
    if not lib.is_possible_number(number):
        return "impossible", ""
    whole = lib.format_number(number, lib.PhoneNumberFormat.E164)
    is_mobile = lib.is_valid_number(number) and lib.number_type(number) in MOBILE
    return ("mobile" if is_mobile else "other"), whole


def mobiles(region, chance):
    """Numbers that the library calls mobile, made from its example."""
    example = PhoneMetadata.metadata_for_region(region).mobile.example_number
    code = lib.country_code_for_region(region)
    found = [example]
    while len(found) < NUMBERS_EACH:
        keep = 3 if len(found) % 2 else 2
        tried = example[:keep] + "".join(chance.choice("0123456789") for _ in example[keep:])
        if verdict(f"+{code}{tried}", None)[0] == "mobile" and tried not in found:
            found.append(tried)
    return found


def dresses(region, national):
    """One number as people and machines write it at home: (text, whether it names its country)."""
    code = str(lib.country_code_for_region(region))
    trunk = PhoneMetadata.metadata_for_region(region).national_prefix or ""
    whole = lib.parse(f"+{code}{national}", None)
    spaced = lib.format_number(whole, lib.PhoneNumberFormat.INTERNATIONAL)
    at_home = lib.format_number(whole, lib.PhoneNumberFormat.NATIONAL)
    yield f"+{code}{national}", True
    yield spaced, True
    yield spaced.replace(" ", "\u2011"), True
    yield spaced.replace(" ", "\u00a0"), True
    yield f"\u202a+{code}{national}\u202c", True
    yield f"\u2068{spaced}\u2069", True
    yield f"+{code}{national}\ufe0f", True
    yield f"+{code}{trunk}{national}", True
    yield f"{ABROAD.get(region, '00')}{code}{national}", False
    yield f"{code}{national}", False
    yield f"{trunk}{national}", False
    yield national, False
    yield at_home, False
    yield at_home.replace(" ", "\u2013"), False
    # A digit lost, a digit too many.
    yield f"+{code}{national[:-1]}", True
    yield f"+{code}{national}7", True
    yield f"{trunk}{national[:-2]}", False


def abroad_dresses(region, national):
    """One number of a country beside the table, as people write it elsewhere."""
    code = lib.country_code_for_region(region)
    yield f"+{code}{national}"
    yield f"+{code} 0{national}"
    yield f"+{code} (0){national}"
    yield f"00{code}{national}"
    yield f"00{code}0{national}"
    yield f"00{code} (0) {national}"
    yield f"+{code}00{national}"
    yield f"+{code}{national[:-1]}"
    yield f"+{code}{national}7"


def numbers():
    chance = random.Random(20261129)
    regions = list(COUNTRIES.values())
    for place, (iso3, region) in enumerate(COUNTRIES.items()):
        homes = [list(COUNTRIES)[(place + step) % len(COUNTRIES)] for step in (1, 5)]
        for national in mobiles(region, chance):
            for raw, names_country in dresses(region, national):
                yield raw, iso3
                if names_country:
                    for home in homes + ["-"]:
                        yield raw, home
        fixed = PhoneMetadata.metadata_for_region(region).fixed_line.example_number
        yield f"+{lib.country_code_for_region(region)}{fixed}", iso3
    for region in OTHERS:
        of_region = PhoneMetadata.metadata_for_region(region)
        for national in mobiles(region, chance)[:3] + [of_region.fixed_line.example_number]:
            for raw in abroad_dresses(region, national):
                yield raw, "MWI"
    for raw in ("00991234567", "+991234567", "00712315942", "+712315942", "+2190000000", "+4412345", "+999123456789"):
        for home in ("MWI", "ZWE"):
            yield raw, home


def record_numbers():
    lines = [f"# What phonenumbers {lib.__version__} says of each: text, home (- for none), verdict, E.164. Made by record.py."]
    seen = set()
    for raw, home in numbers():
        if (raw, home) in seen:
            continue
        seen.add((raw, home))
        kind, whole = verdict(raw, COUNTRIES.get(home))
        lines.append("\t".join((raw, home, kind, whole)))
    (HERE / "numbers.tsv").write_text("\n".join(lines) + "\n")
    print(len(lines) - 1, "numbers")


def begins_with_zero(kind, chance):
    """Whether a number of this kind can begin with 0."""
    pattern = re.compile(kind.national_number_pattern)
    tries = ("0" + "".join(chance.choice("0123456789") for _ in range(n - 1)) for n in kind.possible_length if n > 0 for _ in range(1_000))
    return any(pattern.fullmatch(number) for number in tries)


def zero(code, of_regions, chance):
    """What a 0 behind a code is: the first digit of a number, what is dialled at home only, or a mistake."""
    kinds = [kind for of_region in of_regions for kind in (of_region.mobile, of_region.fixed_line) if kind]
    examples = [kind.example_number for kind in kinds if kind.example_number]
    # Where it is dialled at home, a few special numbers may begin with it all the same; people's do not.
    if examples and all(verdict(f"+{code}0{example}", None)[1] == f"+{code}{example}" for example in examples):
        return "Trunk"
    return "Begins" if any(begins_with_zero(kind, chance) for kind in kinds) else "Never"


def record_codes():
    chance = random.Random(20261129)
    lengths, zeros = {}, {}
    for code, regions in lib.COUNTRY_CODE_TO_REGION_CODE.items():
        of_regions = [PhoneMetadata.metadata_for_region_or_calling_code(code, region) for region in regions]
        zeros[code] = zero(code, of_regions, chance)
        for of_region in of_regions:
            lengths.setdefault(code, set()).update(n for n in of_region.general_desc.possible_length if n > 0)
    out = [
        f"//! Generated by tests/phones/record.py from phonenumbers {lib.__version__}: every calling code, and how its numbers begin and how long they are.",
        "",
        "use super::Zero::{self, Begins, Never, Trunk};",
        "",
        "/// Calling codes in the order of their digits as a text, each with what a 0 behind it is and the possible lengths of a number without it.",
        "pub(super) static CODES: &[(&str, Zero, &[u8])] = &[",
    ]
    for code in sorted(lengths, key=str):
        out.append(f'    ("{code}", {zeros[code]}, &{sorted(lengths[code])}),')
    out += ["];", ""]
    CODES.write_text("\n".join(out))
    print(len(lengths), "calling codes")


record_numbers()
record_codes()
