// How things stand: what waits, when the hub was last heard, what it refused.

import { all, get, send } from '/assets/api.js';
import { $, el, fill, hush, sayProblem } from '/assets/dom.js';
import { ofLine } from '/assets/problems.js';
import { language, moment, shortMoment, t } from '/assets/words.js';

let status = null;
let drawn = null;

// What passes by itself, by its word in `problem_code`; everything else is for a person to mend.
const PASSING = {
  offline: 'line_none',
  busy: 'line_later', hub_restored: 'line_later', unauthorized: 'line_later', damaged: 'line_later', fenced: 'line_later', locked: 'line_later', enrolled_anew: 'line_later',
};
const passing = (s) => PASSING[s.problem_code];
// A line that is down meanwhile takes nothing of it away.
const isShutOut = (s) => ['shut_out', 'revoked'].includes(s.held_back);
const needsPerson = (s) => isShutOut(s) || (s.problem_code !== null && !passing(s));

export async function load(passive) {
  status = await get(`/api/v1/office/status?lang=${language()}`, { passive });
  return status;
}

export const known = () => status;

// Shows the line at the top of the page. True when that is news to whoever reads how things stand.
export async function refreshLine() {
  const s = await load(true);
  $('office-name').textContent = [s.cooperative?.name ?? 'Mizili', s.name].filter(Boolean).join(' · ');
  const line = $('line');
  const isWell = !needsPerson(s);
  const text = [t(!isWell ? 'not_well' : s.in_touch ? 'in_touch' : 'no_line'), s.waiting ? t(s.waiting === 1 ? 'waits_1' : 'waits', { n: s.waiting }) : ''].filter(Boolean).join(' · ');
  if (line.textContent !== text) line.textContent = text;
  line.classList.toggle('away', isWell && !s.in_touch);
  line.classList.toggle('trouble', !isWell);
  line.hidden = false;
  return drawn !== standsAt(s);
}

const standsAt = (s) => [s.problem, s.in_touch, s.held_back, s.last_try !== null].join();

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

function troubleWords(s) {
  const words = ofLine(s.problem_code, s.problem.replace(/^not stored: /, ''));
  return words.charAt(0).toUpperCase() + words.slice(1);
}

// What a person has to see to, sentence by sentence. That it is an old copy says no more than that it is shut out.
function trouble(s) {
  const isSaid = isShutOut(s) && s.problem_code === 'rewound';
  return [isShutOut(s) ? t(`held_${s.held_back}`) : '', s.problem_code !== null && !passing(s) && !isSaid ? troubleWords(s) : ''].filter(Boolean);
}

// The box words it; times are shown as people here write them.
const sentences = (s) => s.summary.map((sentence) => (s.last_contact ? sentence.replace(s.last_contact, moment(s.last_contact)) : sentence));

// What is known of the line, in plain words; the words of the program behind them for whoever looks after the box.
function lineWords(s) {
  if (s.problem_code === null) return t(s.last_try ? 'line_good' : 'line_untried');
  if (needsPerson(s)) return t('line_see');
  const open = $('box').querySelector('details[open]') !== null;
  return [t(passing(s)), el('details', { open }, el('summary', {}, t('technical')), ofLine(s.problem_code, s.problem))];
}

const figure = (label, value) => el('div', {}, el('dt', {}, label), el('dd', {}, String(value)));
const fact = (label, value) => [el('dt', {}, label), el('dd', {}, value)];

export async function show() {
  try {
    const s = await load(false);
    drawn = standsAt(s);
    fill($('standing-words'), needsPerson(s) ? el('div', { class: 'notice bad' }, el('strong', {}, `${t('not_well')}:`), trouble(s).map((words) => el('p', {}, words))) : null,
      el('p', {}, sentences(s).join(' ')),
      s.held_back && !isShutOut(s) ? el('div', { class: 'notice wait' }, el('p', {}, t(`held_${s.held_back}`))) : null);
    fill($('standing-figures'), figure(t('f_waiting'), s.waiting), figure(t('f_contact'), ago(s)), figure(t('f_refused'), s.refused));
    fill($('box'), fact(t('b_coop'), s.cooperative ? `${s.cooperative.name}${s.cooperative.region ? `, ${s.cooperative.region}` : ''}` : '–'),
      fact(t('b_box'), s.name ? `${s.edge}, ${s.name}` : String(s.edge)), fact(t('b_hub'), s.hub_url), fact(t('b_problem'), lineWords(s)), fact(t('b_version'), s.version));
    await showRefusals();
  } catch (problem) {
    sayProblem($('standing-words'), problem);
  }
}

export const refresh = show;

// Those that nobody has dealt with, and below them those that somebody has: each can be put back.
async function showRefusals() {
  const of = (ticked) => all(`/api/v1/office/refusals?limit=100&ticked=${ticked}&lang=${language()}`, 300);
  const [open, ticked] = [await of(false), await of(true)];
  const isOpen = $('refusals').querySelector('details[open]') !== null;
  hush($('refusals-said'));
  fill($('refusals'), open.length ? refusalTable(open) : el('p', { class: 'hint' }, t(ticked.length ? 'refused_done' : 'refused_none')),
    ticked.length ? el('details', { open: isOpen }, el('summary', {}, t('refused_ticked', { n: ticked.length })), refusalTable(ticked)) : null);
}

function refusalTable(refusals) {
  const row = (r) => el('tr', { 'data-refusal': r.id },
    el('td', { class: 'at-sum nowrap' }, shortMoment(r.refused_at)),
    el('td', { class: 'at-title' }, r.what, el('small', {}, r.who)),
    el('td', { class: 'at-whole' }, r.why, r.in_part ? el('small', {}, t('part')) : ''),
    el('td', { class: 'at-act' }, el('button', { type: 'button', class: 'quiet small', onclick: (event) => tick(event.target, r) }, t(r.ticked ? 'put_back' : 'tick'))));
  return el('div', { class: 'scroll' }, el('table', { class: 'cards' }, el('tbody', {}, refusals.map(row))));
}

async function tick(button, refusal) {
  button.disabled = true;
  try {
    await send('PUT', `/api/v1/office/refusals/${refusal.id}`, { ticked: !refusal.ticked });
    await show();
  } catch (problem) {
    button.disabled = false;
    sayProblem($('refusals-said'), problem, true);
  }
}
