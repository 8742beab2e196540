// How things stand: what waits, when the hub was last heard, what it refused.

import { get } from '/assets/api.js';
import { $, el, fill, sayProblem } from '/assets/dom.js';
import { language, moment, shortMoment, t } from '/assets/words.js';

let status = null;

export async function load(passive) {
  status = await get(`/api/v1/office/status?lang=${language()}`, { passive });
  return status;
}

export const known = () => status;

export async function refreshLine() {
  const s = await load(true);
  $('office-name').textContent = s.cooperative?.name ?? 'Mizili';
  const line = $('line');
  const text = [t(s.in_touch ? 'in_touch' : 'no_line'), s.waiting ? t('waits', { n: s.waiting }) : ''].filter(Boolean).join(' · ');
  if (line.textContent !== text) line.textContent = text;
  line.classList.toggle('away', !s.in_touch);
  line.hidden = false;
}

export function lineLost() {
  $('line').textContent = t('no_answer');
  $('line').classList.add('away');
}

function ago(s) {
  if (s.in_touch) return t('now_in_touch');
  if (s.last_contact_age_s === null) return t('never');
  if (s.last_contact_age_s < 90) return t('just_now');
  if (s.last_contact_age_s < 3600) return t('min_ago', { n: Math.round(s.last_contact_age_s / 60) });
  return shortMoment(s.last_contact);
}

function sentences(s) {
  const n = s.waiting + s.at_operator;
  return [
    n === 0 ? t('waiting_none') : n === 1 ? t('waiting_one') : t('waiting', { n }),
    s.in_touch ? `${t('in_touch')}.` : s.last_contact ? t('contact', { when: moment(s.last_contact) }) : t('contact_never'),
    t('nothing_lost'),
    s.at_operator ? t('operator', { n: s.at_operator }) : '',
    s.complete ? '' : t('fetching'),
  ].filter(Boolean);
}

const figure = (label, value) => el('div', {}, el('dt', {}, label), el('dd', {}, String(value)));
const fact = (label, value) => [el('dt', {}, label), el('dd', {}, value)];

export async function show() {
  try {
    const s = await load(false);
    fill($('standing-words'), el('p', {}, sentences(s).join(' ')),
      s.held_back ? el('div', { class: 'notice wait' }, el('p', {}, t(s.held_back === 'count' ? 'held_count' : 'held_copied'))) : null);
    fill($('standing-figures'), figure(t('f_waiting'), s.waiting), figure(t('f_contact'), ago(s)), figure(t('f_refused'), s.refused));
    fill($('box'), fact(t('b_coop'), s.cooperative ? `${s.cooperative.name}${s.cooperative.region ? `, ${s.cooperative.region}` : ''}` : '–'),
      fact(t('b_box'), String(s.edge)), fact(t('b_hub'), s.hub_url), fact(t('b_problem'), s.problem ?? t(s.last_try ? 'line_good' : 'line_untried')), fact(t('b_version'), s.version));
    await showRefusals();
  } catch (problem) {
    sayProblem($('standing-words'), problem);
  }
}

export const refresh = show;

async function showRefusals() {
  const page = await get(`/api/v1/office/refusals?limit=50&lang=${language()}`);
  if (!page.items.length) return fill($('refusals'), el('p', { class: 'hint' }, t('refused_none')));
  const row = (r) => el('tr', {},
    el('td', { class: 'nowrap' }, shortMoment(r.refused_at)),
    el('td', {}, r.what, el('small', {}, r.who)),
    el('td', {}, r.why, r.in_part ? el('small', {}, t('part')) : ''));
  return fill($('refusals'), el('div', { class: 'scroll' }, el('table', {}, el('tbody', {}, page.items.map(row)))));
}
