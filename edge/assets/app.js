// The office page: who is signed in, which section is shown, and what is new. Each section has a file of its own.

import { Problem, get, onSignedOut, send } from '/assets/api.js';
import { $, hush, hushOld, hushTry, say, sayProblem, unmarkAll } from '/assets/dom.js';
import { language, setLanguage, t } from '/assets/words.js';
import * as orders from '/assets/orders.js';
import * as phone from '/assets/phone.js';
import * as prices from '/assets/prices.js';
import * as standing from '/assets/standing.js';
import * as stock from '/assets/stock.js';

const sections = { standing, prices, stock, orders, phone };
let person = null;
let shown = null;
let watching = null;

function translate() {
  document.documentElement.lang = language();
  $('language').value = language();
  for (const node of document.querySelectorAll('[data-t]')) node.textContent = t(node.dataset.t);
}

// The section that the address names; what is shown already when it names none, as after the link that skips to the content.
function sectionOfAddress() {
  const name = location.hash.slice(1);
  return Object.keys(sections).includes(name) ? name : shown ?? 'standing';
}

async function show(name, focus = true) {
  shown = name;
  $('sign-in').hidden = true;
  for (const other of Object.keys(sections)) $(other).hidden = other !== name;
  for (const link of $('nav').querySelectorAll('a')) {
    if (link.hash === `#${name}`) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  document.title = `${t(`nav_${name}`)} – Mizili`;
  if (focus) $(name).querySelector('h1').focus({ preventScroll: true });
  await sections[name].show();
}

function hushAll() {
  for (const place of document.querySelectorAll('main [role=alert]')) hush(place);
  unmarkAll();
}

function askToSignIn(message) {
  person = null;
  // Whoever comes next begins anew.
  hushAll();
  watching?.abort();
  for (const name of [...Object.keys(sections)]) $(name).hidden = true;
  for (const id of ['nav', 'sign-out', 'line']) $(id).hidden = true;
  $('sign-in').hidden = false;
  document.title = `${t('sign_in_title')} – Mizili`;
  if (message) say($('sign-in-said'), 'wait', message);
  $('password').value = '';
  ($('user').value ? $('password') : $('user')).focus();
}

async function begin(who) {
  person = who;
  hush($('sign-in-said'));
  $('nav').hidden = false;
  $('sign-out').hidden = false;
  $('sign-out').title = person.name;
  // A person's own password is kept at the hub.
  $('change').hidden = person.role !== 'office';
  $('change-elsewhere').hidden = person.role === 'office';
  await show(sectionOfAddress(), false);
  watch();
}

// Waits for news from the box and refreshes what is shown. It does not keep the session open: only a person's acts do.
async function watch() {
  watching?.abort();
  const mine = new AbortController();
  watching = mine;
  let state = '';
  while (!mine.signal.aborted) {
    try {
      const news = await get(`/api/v1/office/news${state ? `?after=${encodeURIComponent(state)}` : ''}`, { passive: true, signal: mine.signal });
      const moved = news.state !== state;
      state = news.state;
      const stands = await standing.refreshLine();
      if ((moved || (stands && shown === 'standing')) && shown) await sections[shown].refresh?.();
    } catch (problem) {
      if (mine.signal.aborted || problem.code === 'unauthorized') return;
      standing.lineLost();
      await new Promise((done) => { setTimeout(done, 3000); });
    }
  }
}

$('sign-in-form').addEventListener('submit', async (event) => {
  event.preventDefault();
  const button = event.target.querySelector('button');
  button.disabled = true;
  try {
    const session = await send('POST', '/api/v1/office/login', { user: $('user').value, password: $('password').value });
    $('password').value = '';
    await begin(session.person);
  } catch (problem) {
    sayProblem($('sign-in-said'), problem);
    $('password').select();
  } finally {
    button.disabled = false;
  }
});

$('change-form').addEventListener('submit', async (event) => {
  event.preventDefault();
  const button = event.target.querySelector('button');
  button.disabled = true;
  try {
    await send('POST', '/api/v1/office/password', { current_password: $('change-old').value, new_password: $('change-new').value });
    event.target.reset();
    say($('change-said'), 'good', t('change_done'), t('change_done_words'));
    watch();
  } catch (problem) {
    sayProblem($('change-said'), problem, true, { '/current_password': $('change-old'), '/new_password': $('change-new') });
  } finally {
    button.disabled = false;
  }
});

$('sign-out').addEventListener('click', async () => {
  try { await send('POST', '/api/v1/office/logout', {}); } catch (problem) { if (!(problem instanceof Problem)) throw problem; }
  askToSignIn();
});

$('language').addEventListener('change', async (event) => {
  setLanguage(event.target.value);
  // What was said before is in the other language.
  hushAll();
  translate();
  if (person) { await standing.refreshLine(); await show(shown, false); }
});

document.addEventListener('input', ({ target }) => {
  const form = target.closest('main form');
  if (form) hushOld(form);
});

document.addEventListener('invalid', ({ target }) => {
  const form = target.closest('main form');
  if (form) hushTry(form);
}, true);

$('nav').addEventListener('click', (event) => {
  const name = event.target.closest('a')?.hash.slice(1);
  // Who wants it in a tab or window of its own gets that.
  if (!person || !name || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  // Following the link would scroll the top of the page away.
  event.preventDefault();
  if (name !== shown) history.pushState(null, '', `#${name}`);
  scrollTo({ top: 0 });
  show(name);
});

addEventListener('hashchange', () => { if (person && sectionOfAddress() !== shown) show(sectionOfAddress()); });
onSignedOut(() => { if (person) askToSignIn(t('session_over')); });

// Whoever has a session goes on with it.
async function start() {
  document.documentElement.setAttribute('data-started', '');
  try {
    await begin(await get('/api/v1/office/session'));
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    askToSignIn();
    if (problem.code !== 'unauthorized') sayProblem($('sign-in-said'), problem);
  }
}

translate();
start();
