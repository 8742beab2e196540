// The stock: what is here, who may sell it and why, offering a product, counting.

import { Attempt, all, get, lookAgain, newKey, send, tagOf } from '/assets/api.js';
import { $, el, fill, groups, hush, mark, option, refill, say, sayProblem, sureButton, undisturbed } from '/assets/dom.js';
import { exact, problemOf, read, watch } from '/assets/numbers.js';
import { marks } from '/assets/offers.js';
import { crops } from '/assets/prices.js';
import { known, load } from '/assets/standing.js';
import { amount, digits, language, money, shortMoment, t } from '/assets/words.js';

const offering = new Attempt();
// What was typed about a product and is not written down, with the attempt at it: its form is drawn anew with every piece of news.
const drafts = new Map();
// Attempts to take a change back, by its id.
const undoings = new Map();
let open = new Set();
let lines = [];
// What tells those apart that are alike.
let apart = new Map();

export async function show() {
  hush($('stock-said'));
  try {
    const status = known() ?? await load(false);
    const currency = status.cooperative?.currency ?? '';
    $('offer-currency').textContent = currency;
    await fillChoices(await list());
  } catch (problem) {
    sayProblem($('stock-said'), problem);
  }
}

const isTyping = () => $('stock-list').contains(document.activeElement) && document.activeElement.matches('input, select');
export const refresh = undisturbed($('stock-list'), isTyping, async (disturbs) => {
  try { await list(disturbs); } catch (problem) { sayProblem($('stock-said'), problem); }
});

// What can be offered, and in which units. First what has prices here or is on sale here already.
async function fillChoices(lines) {
  const [known, units, priced] = [await crops(), await all('/api/v1/units?limit=100'), await get('/api/v1/office/priced')];
  const sold = new Set(lines.map(({ product }) => product.commodity_id));
  const used = new Set([...lines.map(({ product }) => product.unit_id), ...priced.units]);
  const isKilogram = (u) => u.code === 'KG';
  const split = (items, isNear, show) => [items.filter(isNear).map(show), items.filter((item) => !isNear(item)).map(show)];
  units.sort((a, b) => isKilogram(b) - isKilogram(a) || (b.base === 'kg') - (a.base === 'kg') || Number(a.factor ?? 0) - Number(b.factor ?? 0) || a.code.localeCompare(b.code));
  const [nearCrops, farCrops] = split(known, (c) => c.priced || sold.has(c.id), (c) => option(c.id, c.shown));
  const [nearUnits, farUnits] = split(units, (u) => isKilogram(u) || used.has(u.id), (u) => option(u.id, u.code));
  refill($('offer-crop'), option('', t('choose')), groups(nearCrops, t('crops_near'), farCrops, t('crops_far')));
  refill($('offer-unit'), option('', t('choose')), groups(nearUnits, t('units_near'), farUnits, t('units_far')));
}

// `disturbs` says whether somebody has begun something meanwhile that drawing it anew would end.
async function list(disturbs = () => false) {
  const found = await all(`/api/v1/office/stock?limit=100&lang=${language()}`, 300);
  if (disturbs()) return lines;
  lines = found;
  apart = marks(lines.map((line) => line.product));
  // What was to be taken back has been, or something else came after it: then another change stands beside the button.
  for (const [id, attempt] of undoings) {
    if (lines.some((line) => line.last_change?.id === id)) continue;
    undoings.delete(id);
    if (attempt.open) hush($('stock-said'));
  }
  fill($('stock-to-count'), toCount(lines.filter((line) => line.count_needed)));
  draw();
  return lines;
}

// Those that are looked for: by words of their name or seller, on sale or off.
function draw() {
  open = new Set([...$('stock-list').querySelectorAll('details[open]')].map((d) => d.dataset.key));
  const words = $('stock-words').value.trim().toLowerCase().split(/\s+/);
  const status = $('stock-status').value;
  const text = ({ product }) => `${product.name} ${product.commodity} ${product.seller ?? ''}`.toLowerCase();
  const found = lines.filter((line) => (!status || line.product.status === status) && words.every((word) => text(line).includes(word)));
  const none = lines.length ? 'stock_not_found' : 'stock_none';
  fill($('stock-list'), found.length ? found.map(card) : el('p', { class: 'hint' }, t(none)));
}

for (const id of ['stock-words', 'stock-status']) for (const event of ['input', 'change']) $(id).addEventListener(event, draw);

const more = (text) => Number(text) > 0;

// What a person has to count before this office may sell it: with a button each that leads to its form.
function toCount(lines) {
  if (!lines.length) return [];
  const item = ({ product }) => el('li', {}, el('b', {}, product.name), which(product), ' ',
    el('button', { type: 'button', class: 'quiet small', 'data-count': product.id, onclick: () => beginCount(product.id) }, t('count_this')));
  return el('div', { class: 'notice wait' }, el('p', {}, t('to_count', { n: lines.length })), el('ul', { class: 'to-count' }, lines.map(item)));
}

function beginCount(id) {
  // It may be hidden by what somebody looks for.
  $('stock-words').value = '';
  $('stock-status').value = '';
  draw();
  const change = $('stock-list').querySelector(`details[data-key="change ${id}"]`);
  change.open = true;
  $(`kind-${id}`).value = 'counted';
  $(`kind-${id}`).dispatchEvent(new Event('change'));
  $(`quantity-${id}`).focus();
}

const which = (product) => (apart.has(product.id) ? el('small', { class: 'which' }, ` ${apart.get(product.id)}`) : '');

function card(line) {
  const { product } = line;
  const unit = product.unit;
  // What is here and stands in the way of a sale is shown as that: every unit is named once.
  const kept = fromMilli(Math.max(exact(line.held_here, 3) - exact(line.can_sell, 3), 0));
  const parts = [['here', line.can_sell], [line.count_needed ? 'uncounted' : 'held', kept], ['coming', line.coming_back], ['hub', line.held_by_hub], ['other', line.held_by_others], ['sold', line.sold_not_fetched]];
  const bar = el('div', { class: 'parts', 'aria-hidden': 'true' }, parts.filter(([, n]) => more(n)).map(([name, n]) => {
    const part = el('span', { class: name });
    part.style.flexGrow = Number(n);
    return part;
  }));
  const legend = el('ul', { class: 'legend' }, parts.filter(([name, n]) => more(n) || name === 'here').map(([name, n]) =>
    el('li', { class: name }, el('b', {}, amount(n, unit)), ` ${t(name)}`)));
  // Off sale says so, and nothing else.
  if (product.status === 'withdrawn') {
    return el('article', { class: 'card', 'data-product': product.id }, el('h2', {}, product.name, ' ', el('span', { class: 'tag dull' }, t('off_sale')), which(product)),
      el('p', {}, line.explanation.join(' ')));
  }
  const isPart = line.can_sell !== line.expected;
  const details = (key, title, kind, ...children) =>
    el('details', { 'data-key': `${key} ${product.id}`, open: open.has(`${key} ${product.id}`), class: kind }, el('summary', {}, title), ...children);
  return el('article', { class: 'card', 'data-product': product.id },
    el('div', { class: 'product' },
      el('h2', {}, product.name, product.seller ? el('small', {}, ` ${t('of_member', { name: product.seller })}`) : '', which(product)),
      el('div', { class: 'price' }, `${money(product.price)} / ${unit}`), bar, legend),
    details('why', isPart ? t('why', { here: amount(line.can_sell, unit), all: amount(line.expected, unit) }) : t('why_all'), 'why',
      el('ul', {}, line.explanation.map((sentence) => el('li', {}, sentence)))),
    details('change', t('change_title'), 'change', changeForm(line)));
}

function changeForm(line) {
  const { product } = line;
  const draft = keptIn(drafts, product.id, () => ({ kind: '', quantity: '', reason: '', unheard: '', sureOf: '', attempt: new Attempt() }));
  const id = (name) => `${name}-${product.id}`;
  // Nothing by default: a count that nobody meant takes units away.
  const kind = el('select', { id: id('kind'), required: true }, option('', t('choose')), ['taken_in', 'written_off', 'counted'].map((k) => option(k, t(k))));
  const quantity = el('input', { id: id('quantity'), inputmode: 'decimal', required: true });
  const reason = el('input', { id: id('reason'), maxlength: 80 });
  const hint = el('p', { class: 'hint', hidden: true }, t('expected', { n: amount(line.expected, product.unit) }));
  const submit = el('button', { type: 'submit' }, t('keep'));
  const said = el('div', { role: 'alert' });
  watch(quantity, () => 3);
  const field = (label, input) => el('div', {}, el('label', { for: input.id }, label), input);
  // Asked only where sales may be missing here.
  const unheard = line.count_needed ? el('input', { id: id('unheard'), inputmode: 'decimal' }) : null;
  const asked = unheard ? field(t('unheard', { unit: product.unit }), unheard) : '';
  if (unheard) watch(unheard, () => 3);
  else if (!draft.attempt.open) draft.unheard = '';
  const inputs = { kind, quantity, reason, ...(unheard ? { unheard } : {}) };
  for (const [name, input] of Object.entries(inputs)) {
    input.value = draft[name];
    for (const event of ['input', 'change']) input.addEventListener(event, () => {
      // What was asked about is another thing now.
      if (draft[name] !== input.value) draft.sureOf = '';
      draft[name] = input.value;
    });
  }
  const onKind = () => {
    hint.hidden = kind.value !== 'counted';
    if (unheard) asked.hidden = hint.hidden;
  };
  kind.addEventListener('change', onKind);
  onKind();
  const saySure = (moved) => say(said, 'wait', t('sure_much', { n: amount(fromMilli(-moved), product.unit), all: amount(line.expected, product.unit) }), t('sure_again', { button: t('keep') }));
  if (draft.attempt.open) say(said, 'wait', t('no_answer_act'));
  else if (draft.sureOf) saySure(movedBy(changeOf(draft, line), line));
  const form = el('form', {}, el('div', { class: 'row' }, field(t('kind'), kind), field(`${t('quantity')} (${product.unit})`, quantity), asked, field(t('reason'), reason),
    el('div', { class: 'do' }, submit)), hint, said, lastChange(line),
    sureButton(t('withdraw'), t('sure_withdraw'), () => withdraw(product)));
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const fields = { '/quantity': quantity, '/reason': reason, ...(unheard ? { '/unheard': unheard } : {}) };
    const change = draft.attempt.again(changeOf(draft, line), 'expected');
    let isSent = false;
    try {
      const unread = problemOf({ '/quantity': read(draft.quantity, 3), ...(isUnheard(draft) ? { '/unheard': read(draft.unheard, 3) } : {}) });
      if (unread) throw unread;
      const moved = movedBy(change, line);
      const sure = `${change.kind} ${change.quantity}`;
      if (isMuch(moved, line) && draft.sureOf !== sure && !draft.attempt.open) {
        // What would be refused is said to be, and not asked about.
        await send('POST', '/api/v1/office/stock/adjust?check=true', change, { 'idempotency-key': newKey() });
        draft.sureOf = sure;
        if (!form.isConnected) return draw();
        saySure(moved);
        return;
      }
      isSent = true;
      await draft.attempt.send('POST', '/api/v1/office/stock/adjust', change);
      drafts.delete(product.id);
      document.activeElement.blur();
      say($('stock-said'), 'good', t('kept'), `${product.name}: ${t(change.kind)} ${amount(change.quantity, product.unit)}`);
      await lookAgain(list);
    } catch (problem) {
      // News may have drawn another form in the place of this one.
      if (!form.isConnected) draw();
      sayProblem(form.isConnected ? said : $('stock-said'), problem, isSent || problem.status > 0, fields);
      mark(fields, problem);
    }
  });
  return form;
}

// What a map holds under a key; made where there is nothing.
function keptIn(map, key, make) {
  if (!map.has(key)) map.set(key, make());
  return map.get(key);
}

const isUnheard = (draft) => draft.kind === 'counted' && draft.unheard.trim() !== '';

// What was typed, as the box takes it.
function changeOf(draft, line) {
  const change = { product_id: line.product.id, kind: draft.kind, quantity: read(draft.quantity, 3).decimal, reason: draft.reason };
  if (draft.kind === 'counted') change.expected = line.expected;
  if (isUnheard(draft)) change.unheard = read(draft.unheard, 3).decimal;
  return change;
}

// By how much a change moves the stock, in thousandths; a count by what it found more or less than expected.
function movedBy(change, line) {
  const milli = exact(change.quantity, 3) ?? 0;
  if (change.kind === 'taken_in') return milli;
  if (change.kind === 'written_off') return -milli;
  return milli - (exact(change.unheard ?? '0', 3) ?? 0) - (exact(line.expected, 3) ?? 0);
}

// More than a tenth of what should be there goes: more often a slip than the truth.
const isMuch = (moved, line) => -moved * 10 > (exact(line.expected, 3) ?? 0);

// Thousandths as the API takes them.
const fromMilli = (milli) => String(milli / 1000);

// What was last written down about a product here, and a button that takes it back.
function lastChange({ product, last_change: last }) {
  if (!last) return '';
  // One that took another back is told by what that one had really moved, and is not taken back itself.
  if (last.undoes) {
    const words = (exact(last.quantity, 3) ?? 0) === 0 ? 'last_undone' : last.kind === 'taken_in' ? 'last_undone_in' : 'last_undone_out';
    return el('p', { class: 'last hint' }, t(words, { n: amount(last.quantity, product.unit), when: shortMoment(last.made_at) }));
  }
  const words = t('last_change', { what: t(last.kind), n: amount(last.quantity, product.unit), when: shortMoment(last.made_at) });
  return el('p', { class: 'last hint' }, `${words} `, last.undo_kind ? undoButton(product, last) : '');
}

// Takes a change back by one that does the opposite: both stand in the books.
function undoButton(product, last) {
  const button = el('button', { type: 'button', class: 'quiet small' }, t('undo'));
  button.addEventListener('click', async () => {
    button.disabled = true;
    const change = { product_id: product.id, kind: last.undo_kind, quantity: last.undo_quantity, undoes: last.id, reason: t('undo_reason') };
    const attempt = keptIn(undoings, last.id, () => new Attempt());
    try {
      await attempt.send('POST', '/api/v1/office/stock/adjust', attempt.again(change, 'reason'));
      undoings.delete(last.id);
      say($('stock-said'), 'good', t('undone'), `${product.name}: ${t(last.kind)} ${amount(last.quantity, product.unit)}`);
      await lookAgain(list);
    } catch (problem) {
      button.disabled = false;
      sayProblem($('stock-said'), problem, true);
    }
  });
  return button;
}

async function withdraw(product) {
  try {
    const path = `/api/v1/products/${product.id}`;
    await send('PATCH', path, { status: 'withdrawn' }, { 'if-match': await tagOf(path) });
    await lookAgain(list);
  } catch (problem) {
    sayProblem($('stock-said'), problem, true);
  }
}

async function sayOffered(product, what) {
  const { items: [line] } = await get(`/api/v1/office/stock?product=${product.id}`);
  say($('offer-said'), 'good', t('offered'), t('offered_words', { what, here: amount(line.can_sell, product.unit), hub: amount(line.held_by_hub, product.unit) }));
}

watch($('offer-quantity'), () => 3);
watch($('offer-price'), () => digits($('offer-currency').textContent));

$('offer-form').addEventListener('submit', async (event) => {
  event.preventDefault();
  const currency = $('offer-currency').textContent;
  const quantity = read($('offer-quantity').value, 3);
  const price = read($('offer-price').value, digits(currency));
  const fields = { '/commodity_id': $('offer-crop'), '/quantity': $('offer-quantity'), '/unit_id': $('offer-unit'), '/price': $('offer-price'), '/title': $('offer-title') };
  const body = { commodity_id: Number($('offer-crop').value), unit_id: Number($('offer-unit').value), title: $('offer-title').value,
    quantity: quantity.decimal, price: { amount: price.value, currency } };
  try {
    const unread = problemOf({ '/quantity': quantity, '/price': price });
    if (unread) throw unread;
    const product = await offering.send('POST', '/api/v1/products', body);
    // Without a name of its own it is called as its crop, as in the list.
    const what = body.title.trim() ? product.name : $('offer-crop').selectedOptions[0].text;
    mark(fields);
    event.target.reset();
    say($('offer-said'), 'good', t('offered'), what);
    await lookAgain(list, () => sayOffered(product, what));
  } catch (problem) {
    sayProblem($('offer-said'), problem, true, fields);
    mark(fields, problem);
  }
});
