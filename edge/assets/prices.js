// Market prices: by crop and market, with month and age; the old ones are marked, never hidden.

import { all, get } from '/assets/api.js';
import { $, el, fill, hush, option, refill, sayProblem } from '/assets/dom.js';
import { has, language, money, month, t } from '/assets/words.js';

let lists = { crops: [], markets: [] };
let next = null;

// All crops, each with the name to show and whether it has a price here. Where several have the same name in this language,
// the English name tells them apart.
export async function crops() {
  const [list, priced] = [await all('/api/v1/commodities?limit=100'), await get('/api/v1/office/priced')];
  const here = new Set(priced.commodities);
  const name = (c) => c.names[language()] ?? c.name;
  const count = new Map();
  for (const c of list) count.set(name(c), (count.get(name(c)) ?? 0) + 1);
  const shown = (c) => (count.get(name(c)) > 1 && name(c) !== c.name ? `${name(c)} – ${c.name}` : name(c));
  return list.map((c) => ({ id: c.id, name: c.name, shown: shown(c), priced: here.has(c.id) })).sort((a, b) => a.shown.localeCompare(b.shown));
}

async function fillLists() {
  lists = { crops: await crops(), markets: (await all('/api/v1/markets?limit=100')).sort((a, b) => a.name.localeCompare(b.name)) };
  refill($('price-crop'), option('', t('all_crops')), lists.crops.filter((c) => c.priced).map((c) => option(c.id, c.shown)));
  refill($('price-market'), option('', t('all_markets')),
    lists.markets.map((m) => option(m.id, m.district && m.district !== m.name ? `${m.name} (${m.district})` : m.name)));
}

// What WFP calls a kind of price, in the language of the page where it has a word for it.
function typeName(type) {
  const key = `type_${type.toLowerCase().replace(/\W+/g, '_')}`;
  return has(key) ? t(key) : type;
}

const cropName = (price) => lists.crops.find((c) => c.id === price.commodity_id)?.shown ?? price.commodity;

export async function show() {
  try {
    await fillLists();
    await search();
  } catch (problem) {
    sayProblem($('price-said'), problem);
  }
}

function age(price) {
  if (price.age_months === 0) return t('age_0');
  if (price.age_months === 1) return t('age_1');
  return price.age_months < 24 ? t('age_n', { n: price.age_months }) : t('years', { n: Math.floor(price.age_months / 12) });
}

function change(price) {
  if (price.change_permille === undefined) return '';
  const percent = Math.round(price.change_permille / 10);
  return percent === 0 ? '±0 %' : `${percent > 0 ? '▲ +' : '▼ −'}${Math.abs(percent)} %`;
}

function row(price) {
  return el('tr', {},
    el('td', { class: 'at-title' }, cropName(price), el('small', {}, typeName(price.price_type))),
    el('td', { class: 'at-left' }, price.market, el('small', {}, price.region ?? '')),
    el('td', { class: 'at-sum number' }, money(price.price), el('small', {}, t('each', { unit: price.unit }))),
    el('td', { class: 'at-base number', 'data-label': t('per_base') }, price.price_per_base ? money(price.price_per_base) : ''),
    el('td', { class: 'at-right nowrap' }, month(price.month)),
    el('td', { class: 'at-state' }, age(price), ' ', price.old ? el('span', { class: 'tag dull' }, t('old')) : '', price.flags.includes('suspect') ? el('small', {}, t('suspect')) : ''),
    el('td', { class: 'at-change number', 'data-label': t('change') }, change(price)),
    el('td', { class: 'at-act' }, el('button', { type: 'button', class: 'quiet small', onclick: () => history(price) }, t('history'))));
}

async function search() {
  hush($('price-said'));
  $('price-history').hidden = true;
  const query = new URLSearchParams({ limit: '50' });
  if ($('price-crop').value) query.set('commodity', $('price-crop').value);
  if ($('price-market').value) query.set('market', $('price-market').value);
  fill($('price-table').tBodies[0]);
  await more(`/api/v1/market-prices?${query}`);
}

async function more(path) {
  const page = await get(path);
  next = page.next;
  const body = $('price-table').tBodies[0];
  body.append(...page.items.map(row));
  $('price-table').hidden = !body.rows.length;
  $('price-none').hidden = body.rows.length > 0;
  $('price-none').textContent = t($('price-crop').value || $('price-market').value ? 'no_prices' : 'prices_none');
  $('price-more').hidden = !next;
}

const guarded = (act) => async (event) => {
  event?.preventDefault();
  try { await act(); } catch (problem) { sayProblem($('price-said'), problem); }
};

$('price-form').addEventListener('submit', guarded(search));
$('price-crop').addEventListener('change', guarded(search));
$('price-market').addEventListener('change', guarded(search));
$('price-more').addEventListener('click', guarded(() => more(next)));

async function history(price) {
  try {
    const query = new URLSearchParams({ commodity: price.commodity_id, market: price.market_id, price_type: price.price_type, latest: 'false', limit: '100' });
    const page = await get(`/api/v1/market-prices?${query}`);
    const months = page.items.filter((p) => p.unit === price.unit && p.price.currency === price.price.currency).reverse();
    const figure = $('price-history');
    figure.querySelector('figcaption').textContent = `${cropName(price)}, ${price.market}, ${typeName(price.price_type)}: ${price.price.currency} ${t('each', { unit: price.unit })}`;
    fill(figure.querySelector('.chart'), chart(months));
    figure.hidden = false;
    figure.scrollIntoView({ block: 'nearest' });
  } catch (problem) {
    sayProblem($('price-said'), problem);
  }
}

const svg = (tag, attributes, text) => {
  const node = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (text) node.textContent = text;
  return node;
};

// A curve over the months; a month without a price is a gap.
function chart(prices) {
  const number = (text) => { const [year, m] = text.split('-'); return year * 12 + Number(m); };
  const most = Math.max(...prices.map((p) => p.price.amount));
  const label = (share) => money({ amount: Math.round(most * share), currency: prices[0].price.currency }).replace(/^\w+ /, '');
  const shares = [0, 0.5, 1];
  // Room for the widest number, also in the larger letters of a small screen.
  const left = 16 + 14 * Math.max(4, ...shares.map((share) => label(share).length));
  const [width, height, right, top, bottom] = [640, 220, 22, 18, 30];
  const first = number(prices[0].month);
  const newest = prices[prices.length - 1];
  const span = Math.max(1, number(newest.month) - first);
  const x = (p) => left + ((number(p.month) - first) / span) * (width - left - right);
  const y = (p) => height - bottom - (p.price.amount / most) * (height - top - bottom);
  const picture = svg('svg', { viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': `${month(prices[0].month)} – ${month(newest.month)}` });
  for (const share of shares) {
    const at = height - bottom - share * (height - top - bottom);
    picture.append(svg('line', { x1: left, x2: width - right, y1: at, y2: at, class: 'axis' }));
    picture.append(svg('text', { x: left - 8, y: at + 4, 'text-anchor': 'end' }, label(share)));
  }
  let path = '';
  prices.forEach((p, n) => {
    const joined = n > 0 && number(p.month) - number(prices[n - 1].month) === 1;
    path += `${joined ? 'L' : 'M'}${x(p).toFixed(1)} ${y(p).toFixed(1)}`;
    const dot = svg('circle', { cx: x(p), cy: y(p), r: 3, class: 'dot' });
    dot.append(svg('title', {}, `${month(p.month)}: ${money(p.price)}`));
    picture.append(dot);
  });
  picture.append(svg('path', { d: path, class: 'curve' }));
  picture.append(svg('text', { x: left, y: height - 8 }, month(prices[0].month)));
  if (prices.length > 1) picture.append(svg('text', { x: width - right, y: height - 8, 'text-anchor': 'end' }, month(newest.month)));
  return picture;
}
