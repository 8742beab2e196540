// Orders: all of them, one for a buyer at the office, cancelling. What is confirmed and what is only asked for are never mixed up.

import { Attempt, all, get, lookAgain, send } from '/assets/api.js';
import { $, el, fill, hush, mark, option, say, sayProblem, sureButton, undisturbed } from '/assets/dom.js';
import { exact, problemOf, read, watch, wordsOf } from '/assets/numbers.js';
import { marks } from '/assets/offers.js';
import { crops } from '/assets/prices.js';
import { known, load } from '/assets/standing.js';
import { amount, money, shortMoment, t } from '/assets/words.js';

// So many orders are looked through at most, the newest first.
const SEARCHED_MAX = 1000;

// Nothing typed for so long is the end of the words.
const TYPING_MS = 250;

const placing = new Attempt();
let products = [];
// What tells those apart that are alike.
let apart = new Map();
// Crops by their English names, as they are shown.
let names = new Map();
let orders = [];
let next = null;

export async function show() {
  hush($('order-said'));
  hush($('orders-said'));
  try {
    if (!known()) await load(false);
    await fillProducts();
    await list();
  } catch (problem) {
    sayProblem($('orders-said'), problem);
  }
}

const guarded = (act) => async (...given) => {
  try { await act(...given); } catch (problem) { sayProblem($('orders-said'), problem); }
};
// What somebody asked for is drawn whatever is under way.
const never = () => false;
const isIn = (place) => () => place.contains(document.activeElement);
const refreshProducts = undisturbed($('order-product'), isIn($('order-product')), guarded(fillProducts));
const refreshList = undisturbed($('order-table'), isIn($('order-table')), guarded(again));
export const refresh = async () => { await refreshProducts(); await refreshList(); };

// What was said of an order, by the place where it stands: it follows what becomes of that order.
const told = new Map();

function tell(place, order, what, kind, title, ...texts) {
  say(place, kind, title, ...texts);
  told.set(place, { order, what, notice: place.firstElementChild });
}

async function follow() {
  for (const [place, { order: before, what, notice }] of [...told]) {
    if (!place.contains(notice)) { told.delete(place); continue; }
    const now = await get(`/api/v1/orders/${before.id}`);
    if (!place.contains(notice) || (now.status === before.status && now.reason === before.reason)) continue;
    tell(place, now, what, ...standing(now), what, words(now));
  }
}

async function fillProducts(disturbs = never) {
  const found = await all('/api/v1/products?limit=100', 500);
  const known = await crops();
  if (disturbs()) return;
  names = new Map(known.map((crop) => [crop.name, crop.shown]));
  products = found;
  apart = marks(products);
  products.sort((a, b) => isOwn(b) - isOwn(a) || shown(a.name).localeCompare(shown(b.name)));
  const before = $('order-product').value;
  fill($('order-product'), option('', t('choose')), products.map((p) => option(p.id, optionText(p))));
  $('order-product').value = products.some((p) => p.id === before) ? before : '';
  hint();
}

// A product without a name of its own is called as its crop.
const shown = (name) => names.get(name) ?? name;

// An offer as it is told from others of its name.
const offerText = (p) => `${shown(p.name)}${p.seller ? ` ${t('of_member', { name: p.seller })}` : ''}, ${money(p.price)} / ${p.unit}${apart.has(p.id) ? `, ${apart.get(p.id)}` : ''}`;
const isOwn = (p) => p.cooperative_id === known()?.cooperative?.id;
const optionText = (p) => `${offerText(p)} – ${isOwn(p) ? t('here_now', { n: amount(p.available, p.unit) }) : p.cooperative}`;

const chosen = () => products.find((p) => p.id === $('order-product').value);

// What pressing the button will mean, before it is pressed.
function hint() {
  const product = chosen();
  $('order-unit').textContent = product?.unit ?? '';
  // A small screen cuts off what the list shows of it.
  $('order-chosen').textContent = product ? optionText(product) : '';
  const typed = $('order-quantity').value.trim();
  if (!product || !typed) return fill($('order-hint'));
  const { value: milli, ...number } = read(typed, 3);
  if (!milli) return fill($('order-hint'), number.wrong ? wordsOf(number) : t('hint_number'));
  const total = money({ amount: Math.floor((milli * product.price.amount + 500) / 1000), currency: product.price.currency });
  const here = exact(product.available, 3) ?? 0;
  // What the box would refuse; where it does not know how much there is, it asks.
  if (milli > (exact(product.total, 3) ?? milli) && !known()?.held_back) return fill($('order-hint'), t('hint_only', { left: amount(product.total, product.unit) }));
  const key = !isOwn(product) ? 'hint_ask_other' : milli <= here ? 'hint_held' : 'hint_ask';
  return fill($('order-hint'), t(key, { total, here: amount(product.available, product.unit) }));
}

watch($('order-quantity'), () => 3);
for (const id of ['order-product', 'order-quantity']) $(id).addEventListener('input', hint);

$('order-form').addEventListener('submit', async (event) => {
  event.preventDefault();
  const product = chosen();
  const button = event.target.querySelector('button[type=submit]');
  const fields = { '/quantity': $('order-quantity'), '/buyer_name': $('order-name'), '/buyer_phone': $('order-phone'), '/product_id': $('order-product'), '/unit_price': $('order-product') };
  const quantity = read($('order-quantity').value, 3);
  const body = { product_id: product.id, quantity: quantity.decimal, unit_price: product.price };
  if ($('order-phone').value.trim()) body.buyer_phone = $('order-phone').value;
  if ($('order-name').value.trim()) body.buyer_name = $('order-name').value;
  button.disabled = true;
  try {
    const unread = problemOf({ '/quantity': quantity });
    if (unread) throw unread;
    const order = await placing.send('POST', '/api/v1/orders', placing.again(body, 'unit_price'));
    mark(fields);
    for (const id of ['order-quantity', 'order-phone', 'order-name']) $(id).value = '';
    const what = `${amount(order.quantity, order.unit)} ${shown(product.name)}`;
    if (order.status === 'confirmed') tell($('order-said'), order, what, 'good', `✓ ${t('done_confirmed')}`, t('done_confirmed_words', { what, total: money(order.total) }));
    else tell($('order-said'), order, what, 'wait', `… ${t('done_asked')}`, t('done_asked_words', { what }));
    await lookAgain(fillProducts, again);
  } catch (problem) {
    sayProblem($('order-said'), problem, true, fields);
    mark(fields, problem);
    if (problem.code === 'price_changed') await lookAgain(fillProducts);
  } finally {
    button.disabled = false;
  }
});

const KINDS = { confirmed: 'good', fulfilled: 'good', asked: 'wait', short: 'bad', refused: 'bad', cancelled: 'dull' };
const SIGNS = { confirmed: '✓ ', fulfilled: '✓ ', asked: '… ', short: '! ', refused: '✕ ' };

// How an order stands, as a notice has it: its kind and its title. A cancellation that waits for the hub is none yet.
function standing(order) {
  if (order.status !== 'cancelled') return [KINDS[order.status] ?? 'wait', (SIGNS[order.status] ?? '') + t(`s_${order.status}`)];
  return order.reason ? ['wait', `… ${t('done_cancel_asked')}`] : ['good', `✓ ${t('done_cancelled')}`];
}

function words(order) {
  if (order.reason) return order.reason;
  if (order.status === 'confirmed' && !order.synced) return t('w_confirmed_here');
  if (order.status === 'asked') return t('w_asked');
  return order.status === 'short' ? t('w_short') : '';
}

// What a person has to look at, though the order stands.
function flag(order) {
  if (!order.flag) return '';
  const known = { price: t('flag_price'), quantity: t('flag_quantity') };
  return el('span', { class: 'why flag' }, known[order.flag] ?? t('flag_other', { flag: order.flag }));
}

// Whose offer it is of, and at what price, where several have one name. Whose it was is known while it is on sale.
function whichOffer(order) {
  const same = new Set([...orders, ...products.map((p) => ({ product: p.name, product_id: p.id }))].filter((other) => other.product === order.product).map((other) => other.product_id));
  if (same.size < 2) return '';
  const seller = products.find((p) => p.id === order.product_id)?.seller;
  const mark = apart.get(order.product_id);
  return el('small', {}, `${seller ? `${t('of_member', { name: seller })}, ` : ''}${money(order.unit_price)} / ${order.unit}${mark ? `, ${mark}` : ''}`);
}

function row(order) {
  const canCancel = ['confirmed', 'asked', 'short'].includes(order.status);
  return el('tr', { 'data-order': order.id },
    el('td', { class: 'at-right nowrap' }, shortMoment(order.placed_at), el('small', {}, t(`by_${order.channel}`))),
    el('td', { class: 'at-title' }, `${amount(order.quantity, order.unit)} ${shown(order.product)}`, whichOffer(order)),
    el('td', { class: 'at-left' }, order.buyer_name ?? '', el('small', {}, order.buyer_phone ?? ''), order.buyer_unconfirmed ? el('span', { class: 'why' }, t('unconfirmed')) : ''),
    el('td', { class: 'at-sum number' }, money(order.total)),
    el('td', { class: 'at-state' }, el('span', { class: `tag ${KINDS[order.status] ?? 'dull'}` }, (SIGNS[order.status] ?? '') + t(`s_${order.status}`)), el('span', { class: 'why' }, words(order)), flag(order)),
    el('td', { class: 'at-act' }, canCancel ? sureButton(t('cancel'), t('sure_cancel'), () => cancel(order)) : ''));
}

async function cancel(order) {
  try {
    const now = await send('POST', `/api/v1/orders/${order.id}/cancel`, {});
    const what = `${amount(now.quantity, now.unit)} ${shown(order.product)}`;
    tell($('orders-said'), now, what, ...standing(now), what, words(now));
    await lookAgain(fillProducts, again);
  } catch (problem) {
    sayProblem($('orders-said'), problem, true);
  }
}

// The words that are looked for. A number may be written as it is dialled at home, which is without what stands before it abroad.
const wanted = () => $('order-words').value.toLowerCase().split(/\s+/).filter(Boolean).map((word) => (/^0\d+$/.test(word) ? word.slice(1) : word));

// What is shown is one list, which ends the one before; a page that comes for that is not looked at any more.
let listing = 0;
let listed = Promise.resolve();

function list(disturbs = never, atLeast = 0) {
  listed = lookThrough(++listing, disturbs, atLeast);
  return listed;
}

// The same list with what has come: as many as were there, so that whoever had more shown goes on seeing them.
function again(disturbs = never) {
  return list(disturbs, Math.min(orders.length, SEARCHED_MAX));
}

async function lookThrough(mine, disturbs, atLeast) {
  const query = new URLSearchParams({ limit: wanted().length || atLeast > 50 ? '100' : '50' });
  if ($('order-filter').value) query.set('status', $('order-filter').value);
  const pages = [];
  let count = 0;
  let from = `/api/v1/orders?${query}`;
  while (from && (!pages.length || count < atLeast)) {
    const page = await get(from);
    if (mine !== listing) return;
    pages.push(page);
    count += page.items.length;
    from = page.next;
  }
  if (disturbs()) return;
  // At once: what is shown becomes no shorter meanwhile.
  orders = [];
  pages.forEach((page, at) => take(page, at === 0));
  while (next && wanted().length && orders.length < SEARCHED_MAX) {
    const page = await get(next);
    if (mine !== listing) return;
    take(page);
  }
  // What the list has learnt is not said otherwise above it.
  await follow();
}

// Fetches another page of them, behind those of a list that is under way.
async function add() {
  await listed.catch(() => {});
  const from = next;
  if (!from) return;
  const page = await get(from);
  // Whoever pressed twice gets it once; and what follows on another list is not wanted any more.
  if (from === next) take(page);
}

// Those that are looked for, of the orders of a page, are shown behind the others: a button there that asks goes on asking.
function take({ items, next: following }, isFirst = false) {
  const words = wanted();
  const text = (order) => `${order.product} ${shown(order.product)} ${order.buyer_name ?? ''} ${order.buyer_phone ?? ''}`.toLowerCase();
  const found = items.filter((order) => words.every((word) => text(order).includes(word)));
  orders = [...orders, ...items];
  next = following;
  const rows = $('order-table').tBodies[0];
  if (isFirst) fill(rows, found.map(row));
  else rows.append(...found.map(row));
  $('order-table').hidden = !rows.rows.length;
  $('order-none').hidden = rows.rows.length > 0;
  $('order-none').textContent = t(words.length || $('order-filter').value ? 'no_orders' : 'orders_none');
  $('order-more').hidden = !next || words.length > 0;
  $('order-part').hidden = !next || !words.length;
  $('order-part').textContent = t('searched', { n: orders.length });
}

// Whoever types is not done with each letter.
let typing = 0;
function soon() {
  clearTimeout(typing);
  // What was fetched for other words is not waited for.
  listing += 1;
  typing = setTimeout(guarded(() => list()), TYPING_MS);
}

$('order-filter').addEventListener('change', guarded(() => list()));
$('order-words').addEventListener('input', soon);
$('order-more').addEventListener('click', guarded(add));
