// Numbers that a person types on the page. They are taken exactly or refused with words that say how to write them, by the rules of
// edge/src/text/numbers.rs, which reads what is typed on a phone; edge/tests/numbers.json holds both to them. Never guessed.

import { Problem } from '/assets/api.js';
import { point, unpressed } from '/assets/dom.js';
import { t } from '/assets/words.js';

const isDigits = (text) => /^[0-9]+$/.test(text);

// Whether somebody may have meant thousands: one to three digits that do not begin with 0, then a separator and a group of three.
function thousands(text) {
  const groups = text.split(/[.,'’\s]/);
  if (groups.length < 2 || !groups.every(isDigits)) return null;
  const [first, second] = groups;
  return first.length <= 3 && !first.startsWith('0') && second.length === 3 ? groups : null;
}

// How to write it: as a thousand, and as the smaller number where it can be one: with a point or comma, and no finer than is taken.
function ways(digits, groups, places) {
  const last = groups[groups.length - 1];
  const whole = last.length === 3 ? groups.join('') : `${groups.slice(0, -1).join('')}.${last}`;
  const part = last.replace(/0+$/, '');
  if (groups.length > 2 || !/[.,]/.test(digits) || part.length > places) return { key: 'hint_thousands', values: { n: whole } };
  const less = part ? `${groups[0]}.${part.length < 3 ? part : `${part}0`}` : groups[0];
  return { key: 'hint_two_ways', values: { n: whole, less } };
}

// What is wrong: a short name for it, the words, and their values.
const refused = (wrong, key = 'hint_number', values = {}) => ({ wrong, key, values });

// A typed number in so many decimals, exactly: `value` as a whole number of the smallest part, `decimal` as the API takes it. Else
// what is wrong with it.
export function read(typed, places) {
  const text = typed.trim();
  const [sign, digits] = text.startsWith('-') ? ['-', text.slice(1)] : ['', text];
  const groups = thousands(digits);
  if (groups) {
    const { key, values } = ways(digits, groups, places);
    return refused('thousands', key, values);
  }
  const found = /^([0-9]+)(?:[.,]([0-9]+))?$/.exec(digits);
  if (!found) return refused('number');
  const part = found[2] ?? '';
  const kept = part.replace(/0+$/, '');
  // One 0 more tells 12.3450 from a thousand.
  const most = places && kept.length === places ? places + 1 : Math.max(2, places);
  if (kept.length > places || part.length > most) return refused('fine', places ? 'hint_fine' : 'hint_whole', { places });
  const value = Number(found[1] + kept.padEnd(places, '0'));
  if (!Number.isSafeInteger(value)) return refused('big', 'hint_big');
  if (sign && value) return refused('negative', 'hint_negative');
  return { value, decimal: kept ? `${found[1]}.${kept}` : found[1] };
}

export const wordsOf = ({ key, values }) => t(key, values);

// What is wrong with typed numbers, by the pointers that the box would name; null where nothing is.
export function problemOf(numbers) {
  const errors = Object.entries(numbers).filter(([, number]) => number.wrong).map(([pointer, number]) => ({ pointer, detail: wordsOf(number) }));
  return errors.length ? new Problem({ code: 'invalid', status: 422, errors }) : null;
}

// Says beside an input what is wrong with a number as soon as it is left, and no more once it is written anew.
export function watch(input, places) {
  input.addEventListener('input', () => point(input, ''));
  input.addEventListener('change', () => unpressed(() => {
    const number = input.value.trim() ? read(input.value, places()) : {};
    if (number.wrong) point(input, wordsOf(number));
  }));
}

// A decimal number that the box wrote, in so many decimals, as a whole number; null when it is none.
export function exact(text, places) {
  const found = /^(\d+)(?:\.(\d+))?$/.exec(text);
  if (!found) return null;
  const fraction = (found[2] ?? '').replace(/0+$/, '');
  if (fraction.length > places) return null;
  const value = Number(found[1] + fraction.padEnd(places, '0'));
  return Number.isSafeInteger(value) ? value : null;
}
