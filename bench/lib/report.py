#!/usr/bin/env python3
"""report.py LOG: the markdown tables of a run-peers log (JSON lines): medians, then (min–max)."""
import json, sys
from statistics import median as med

rows = [json.loads(line) for line in open(sys.argv[1]) if line.startswith("{")]


def spread(v, f="{:,.0f}"):
    v = list(v)
    return f.format(med(v)) + (f" ({f.format(min(v))}–{f.format(max(v))})" if len(v) > 1 else "")


def groups(rows, *keys):
    out = {}
    for r in rows:
        out.setdefault(tuple(r[k] for k in keys), []).append(r)
    return out


print("\n### Requests (wrk, 1 thread, 16 connections)\n\n| peer | scenario | req/s | p50 ms | p99 ms | failed | runs |\n|---|---|---:|---:|---:|---:|---:|")
for (t, s), g in groups([r for r in rows if "scenario" in r], "target", "scenario").items():
    print(f"| {t} | {s} | {spread(r['rps'] for r in g)} | {med(r['p50'] for r in g):.1f} | {med(r['p99'] for r in g):.1f} | "
          f"{sum(r['bad_status'] + r['socket_errors'] for r in g)} of {sum(r['requests'] for r in g):,} | {len(g)} |")

print("\n### Sync (bytes are TCP payload through the counting proxy)\n\n| peer | stage | gzip | docs | seconds | docs/s | KB down | KB up | bytes/doc | client peak RSS MB | connections | runs |\n|---|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
for (p, st, gz), g in groups([r for r in rows if "stage" in r], "peer", "stage", "gzip").items():
    d = med(r["docs"] for r in g)
    print(f"| {p} | {st} | {'yes' if gz == '1' else 'no'} | {d:,.0f} | {spread((r['seconds'] for r in g), '{:.2f}')} | "
          f"{d / med(r['seconds'] for r in g):,.0f} | {med(r['down'] for r in g) / 1000:,.0f} | {med(r['up'] for r in g) / 1000:,.0f} | "
          f"{med((r['down'] + r['up']) / r['docs'] for r in g):.1f} | {med(r['rss_mb'] for r in g):.0f} | {med(r['connections'] for r in g):.0f} | {len(g)} |")

print("\n### What the machine itself can do\n\n| limit | figure | value |\n|---|---|---:|")
for (name,), g in groups([r for r in rows if "limit" in r], "limit").items():
    for k in g[0]["v"]:
        print(f"| {name} | {k} | {spread(r['v'][k] for r in g)} |")


def one(rows, of, **keys):
    v = [of(r) for r in rows if all(r.get(k) == w for k, w in keys.items())]
    return med(v) if v else None


def beside():
    """Mizili's figures as parts or multiples of the others', with the aim of each."""
    rps = lambda t, s="ussd": one(rows, lambda r: r["rps"], target=t, scenario=s)
    rate = lambda p, s: one(rows, lambda r: r["docs"] / r["seconds"], peer=p, stage=s, gzip="1")
    size = lambda p, s: one(rows, lambda r: r["down"] + r["up"], peer=p, stage=s, gzip="1")
    each = lambda p, s: one(rows, lambda r: (r["down"] + r["up"]) / r["docs"], peer=p, stage=s, gzip="1")
    nginx = one(rows, lambda r: r["v"]["post_with_ussd_lua_rps"], limit="nginx")
    yield "USSD price walk, screens/s", "a static nginx answer", rps("mizili"), nginx, "at least", 1 / 3
    yield "USSD price walk, screens/s", "ussd-node", rps("mizili"), rps("ussd-node"), "at least", 4
    yield "USSD price walk, screens/s", "django", rps("mizili"), rps("django"), "at least", 15
    yield "product list over REST, answers/s", "django-by-hand", rps("mizili-hub", "products"), rps("django-by-hand", "products"), "at least", 8
    yield "latest price over REST, answers/s", "django-by-hand", rps("mizili-hub", "prices"), rps("django-by-hand", "prices"), "at least", 8
    for name, s in ("product list", "products"), ("latest price", "prices"):
        for at in sorted({r["scenario"] for r in rows if r.get("scenario", "").startswith(s + "@")}):
            p99 = lambda t: one(rows, lambda r: r["p99"], target=t, scenario=at)
            yield f"{name}, p99 where both are asked {at.split('@')[1]} times a second, ms", "django-by-hand", p99("mizili-hub"), p99("django-by-hand"), "at most", 1
    yield "order placed over REST, orders/s", "django", rps("mizili-hub", "orders"), rps("django", "orders"), "at least", 4
    yield "first sync, rows/s", "json-poll", rate("mizili", "cold"), rate("json-poll", "cold"), "at least", 3
    yield "first sync, bytes both ways", "json-poll", size("mizili", "cold"), size("json-poll", "cold"), "at most", 1 / 2
    yield "first sync, rows/s", "couch", rate("mizili", "cold"), rate("couch", "cold"), None, None
    yield "a changed price, bytes", "json-poll", each("mizili", "delta"), each("json-poll", "delta"), None, None
    yield "10,000 orders, orders/s (json-poll checks nothing)", "json-poll", rate("mizili", "push"), rate("json-poll", "push"), None, None
    yield "10,000 orders, bytes both ways", "json-poll", size("mizili", "push"), size("json-poll", "push"), "at most", 1 / 3


lines = [(*x, x[2] / x[3]) for x in beside() if x[2] and x[3]]
if lines:
    print("\n### Mizili beside them (medians of this run)\n\n| figure | against | Mizili | the other | ratio | aim | |\n|---|---|---:|---:|---:|---|---|")
    for name, other, a, b, way, aim, ratio in lines:
        met = "" if aim is None else "met" if (ratio >= aim if way == "at least" else ratio <= aim) else "NOT MET"
        number = lambda v: f"{v:,.0f}" if v >= 100 else f"{v:,.1f}"
        print(f"| {name} | {other} | {number(a)} | {number(b)} | {ratio:.2f} | {'' if aim is None else f'{way} {aim:.2f}'} | {met} |")
