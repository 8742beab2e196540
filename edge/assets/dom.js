// Small helpers to make and fill elements. Text is always set as text, never as markup.

import { ofField, t } from '/assets/words.js';

export const $ = (id) => document.getElementById(id);

export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else if (name === 'class') node.className = value;
    else node.setAttribute(name, value === true ? '' : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ''));
  return node;
}

export function fill(node, ...children) {
  node.textContent = '';
  node.append(...children.flat().filter(Boolean));
}

// What waits until no mouse button or finger is down.
let isPressed = false;
let waiting = [];
const letGo = () => setTimeout(() => { isPressed = false; for (const act of waiting.splice(0)) act(); });
addEventListener('pointerdown', () => { isPressed = true; }, true);
for (const event of ['pointerup', 'pointercancel']) addEventListener(event, letGo, true);

// Acts at once, or where somebody is pressing something, after that: what they press must not move away beneath them.
export const unpressed = (act) => { if (isPressed) waiting.push(act); else act(); };

// Says something in a place that screen readers watch: kind is good, wait or bad.
export function say(place, kind, title, ...texts) {
  fill(place, el('div', { class: `notice ${kind}` }, el('strong', {}, title), texts.filter(Boolean).map((text) => el('p', {}, text))));
}

export const hush = (place) => fill(place);

// Somebody goes on: what was done before is not said any more, nor what went wrong in another form. What waits for them stays.
export function hushOld(form) {
  for (const place of document.querySelectorAll('main [role=alert]')) {
    const isOwn = form.contains(place) || form.nextElementSibling === place;
    if (place.querySelector('.notice.good') || (!isOwn && place.querySelector('.notice.bad'))) hush(place);
  }
}

// A try that the browser holds back is no try yet: what was wrong with the one before is not said beside it.
export function hushTry(form) {
  for (const place of document.querySelectorAll('main [role=alert]')) {
    if ((form.contains(place) || form.nextElementSibling === place) && place.querySelector('.notice.bad')) hush(place);
  }
}

// No input is said to be wrong any more.
export function unmarkAll() {
  for (const input of document.querySelectorAll('main [aria-invalid]')) unmark(input);
}

// The input that a problem's pointer means: the place itself or what it lies in.
function inputOf(fields, pointer) {
  for (let at = pointer; at; at = at.slice(0, at.lastIndexOf('/'))) if (fields[at]) return fields[at];
  return null;
}

// An input's label without what stands in brackets.
const nameOf = (input) => (input.labels?.[0]?.textContent ?? '').replace(/\s*\(.*\)$/, '');

// What is wrong, with the input it concerns where there is one; in the order in which the page lists its inputs.
function wrongs(fields, problem) {
  const inputs = [...Object.values(fields), null];
  const list = (problem?.errors ?? []).map((error) => ({ input: inputOf(fields, error.pointer), words: ofField(error.detail ?? '') }));
  return list.sort((a, b) => inputs.indexOf(a.input) - inputs.indexOf(b.input));
}

const fieldWords = ({ input, words }) => (input && nameOf(input) ? `${nameOf(input)}: ${words}` : words);

// Why something was not done. What the disk did not take, and everything else without success, was not taken.
export function sayProblem(place, problem, isAct = false, fields = {}) {
  if (!(problem instanceof Error) || problem.code === undefined) throw problem;
  const unknown = isAct && !problem.status;
  const title = problem.status === 507 || (isAct && problem.status) ? t('not_taken') : t('failed');
  const details = problem.errors.length ? wrongs(fields, problem).map(fieldWords) : [problem.message];
  const wait = problem.retryAfter && problem.status === 429 ? t('wait_s', { s: problem.retryAfter }) : '';
  if (unknown) say(place, 'wait', t('no_answer_act'), t('no_answer'));
  else say(place, 'bad', title, ...details, wait);
}

// Marks the inputs that a problem points at and says beside each what is wrong with it.
export function mark(fields, problem) {
  for (const input of Object.values(fields)) unmark(input);
  const wrong = wrongs(fields, problem).filter(({ input }) => input);
  for (const { input, words } of wrong) if (!$(wrongId(input))) setMark(input, words);
  wrong[0]?.input.focus();
}

// Says beside one input what is wrong with it; nothing, with no words.
export function point(input, words) {
  unmark(input);
  if (words) setMark(input, words);
}

function setMark(input, words) {
  input.setAttribute('aria-invalid', 'true');
  if (!words) return;
  input.setAttribute('aria-describedby', `${input.getAttribute('aria-describedby') ?? ''} ${wrongId(input)}`.trim());
  (input.closest('.with-unit') ?? input).before(el('p', { class: 'wrong', id: wrongId(input), role: 'status' }, words));
}

const wrongId = (input) => `${input.id}-wrong`;

function unmark(input) {
  input.removeAttribute('aria-invalid');
  $(wrongId(input))?.remove();
  const others = (input.getAttribute('aria-describedby') ?? '').split(' ').filter((id) => id && id !== wrongId(input));
  if (others.length) input.setAttribute('aria-describedby', others.join(' '));
  else input.removeAttribute('aria-describedby');
}

// Looks anew unless somebody is at work in a place, or a button there waits for an answer; then when they leave it, or when it has its
// answer. What is fetched may come when somebody has begun meanwhile: before it is drawn, `look` asks what it is given.
export function undisturbed(place, isAtWork, look) {
  let isMissed = false;
  const disturbs = () => { isMissed = isAtWork() || place.querySelector('[data-asks]') !== null; return isMissed; };
  const refresh = async () => { if (!disturbs()) await look(disturbs); };
  const catchUp = () => { if (isMissed) setTimeout(refresh); };
  place.addEventListener('focusout', ({ relatedTarget }) => { if (!place.contains(relatedTarget)) catchUp(); });
  place.addEventListener('answered', catchUp);
  return refresh;
}

// A button that asks once more before it acts.
export function sureButton(label, question, act) {
  const button = el('button', { type: 'button', class: 'quiet small' }, label);
  let asked = 0;
  const rest = () => { asked = 0; button.textContent = label; button.className = 'quiet small'; };
  const answered = () => {
    delete button.dataset.asks;
    button.dispatchEvent(new Event('answered', { bubbles: true }));
  };
  button.addEventListener('click', async () => {
    if (!asked) {
      button.textContent = question;
      button.className = 'danger small';
      button.dataset.asks = '';
      asked = setTimeout(() => { rest(); answered(); }, 6000);
      return;
    }
    clearTimeout(asked);
    rest();
    button.disabled = true;
    try { await act(); } finally { button.disabled = false; answered(); }
  });
  return button;
}

// Fills a list to choose from and keeps what was chosen while it is still there.
export function refill(select, ...options) {
  const before = select.value;
  fill(select, ...options);
  select.value = before;
  if (select.selectedIndex < 0) select.value = '';
}

// Two groups of choices, the nearer one first; one plain list where only one of them has any.
export function groups(near, nearLabel, far, farLabel) {
  if (!near.length || !far.length) return [...near, ...far];
  return [el('optgroup', { label: nearLabel }, near), el('optgroup', { label: farLabel }, far)];
}

export const option = (value, text, attributes = {}) => el('option', { value, ...attributes }, text);
