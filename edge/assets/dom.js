// Small helpers to make and fill elements. Text is always set as text, never as markup.

import { t } from '/assets/words.js';

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

export const fill = (node, ...children) => node.replaceChildren(...children.flat().filter(Boolean));

// Says something in a place that screen readers watch: kind is good, wait or bad.
export function say(place, kind, title, ...texts) {
  fill(place, el('div', { class: `notice ${kind}` }, el('strong', {}, title), texts.filter(Boolean).map((text) => el('p', {}, text))));
}

export const hush = (place) => fill(place);

// Why something was not done. What the disk did not take, and everything else without success, was not taken.
export function sayProblem(place, problem, isAct = false) {
  if (!(problem instanceof Error) || problem.code === undefined) throw problem;
  const unknown = isAct && !problem.status;
  const title = problem.status === 507 || (isAct && problem.status) ? t('not_taken') : t('failed');
  const details = problem.errors.length > 1 ? problem.errors.map((error) => `${error.pointer.slice(1)}: ${error.detail}`) : [problem.message];
  const wait = problem.retryAfter && problem.status === 429 ? t('wait_s', { s: problem.retryAfter }) : '';
  if (unknown) say(place, 'wait', t('no_answer_act'), t('no_answer'));
  else say(place, 'bad', title, ...details, wait);
}

// Marks the inputs that a problem points at.
export function mark(fields, problem) {
  for (const input of Object.values(fields)) input.removeAttribute('aria-invalid');
  const wrong = (problem?.errors ?? []).map((error) => fields[error.pointer]).filter(Boolean);
  wrong.forEach((input) => input.setAttribute('aria-invalid', 'true'));
  wrong[0]?.focus();
}

// A button that asks once more before it acts.
export function sureButton(label, question, act) {
  const button = el('button', { type: 'button', class: 'quiet small' }, label);
  let asked = 0;
  const rest = () => { asked = 0; button.textContent = label; button.className = 'quiet small'; };
  button.addEventListener('click', async () => {
    if (!asked) {
      button.textContent = question;
      button.className = 'danger small';
      asked = setTimeout(rest, 6000);
      return;
    }
    clearTimeout(asked);
    rest();
    button.disabled = true;
    try { await act(); } finally { button.disabled = false; }
  });
  return button;
}

export const option = (value, text, attributes = {}) => el('option', { value, ...attributes }, text);
