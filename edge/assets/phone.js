// A phone on which a visitor walks the menus: each step posts the whole text typed since the call began, with stars between the
// answers, as gateways do. What is done on it is recorded as done at the office.

import { newKey, send } from '/assets/api.js';
import { $, el, fill, hush, say, sayProblem } from '/assets/dom.js';
import { load } from '/assets/standing.js';
import { t } from '/assets/words.js';

const KEYS = [['1', ''], ['2', 'ABC'], ['3', 'DEF'], ['4', 'GHI'], ['5', 'JKL'], ['6', 'MNO'], ['7', 'PQRS'], ['8', 'TUV'], ['9', 'WXYZ'], ['*', ''], ['0', '+'], ['#', '']];
const LETTERS_MAX = 182;

let gateway = null;
let call = null;

export async function show() {
  hush($('phone-said'));
  state(call ? 'in_call' : 'ready');
  if (!$('keypad').children.length) {
    fill($('keypad'), KEYS.map(([key, letters]) => el('button', { type: 'button', 'data-key': key, onclick: () => press(key) }, key, el('small', {}, letters))));
  }
  try {
    const status = await load(false);
    gateway = status.gateways[0] ?? null;
    if (!$('phone-number').value) $('phone-number').value = { MWI: '+265991234567', KEN: '+254711234567' }[status.country] ?? '+265991234567';
    $('phone-call').disabled = !gateway || call !== null;
    if (!gateway) say($('phone-said'), 'wait', t('no_gateway'));
  } catch (problem) {
    sayProblem($('phone-said'), problem);
  }
}

const state = (key) => { $('call-state').textContent = t(key); };

function display(text) {
  $('screen').textContent = text;
  $('screen-count').textContent = text ? t('letters', { n: text.length }) : '';
  $('screen').classList.toggle('long', text.length > LETTERS_MAX);
}

function press(key) {
  if ($('phone-input').disabled) return;
  $('phone-input').value += key;
  $('phone-input').focus();
}

function inCall(is) {
  for (const id of ['phone-input', 'phone-send', 'phone-end']) $(id).disabled = !is;
  for (const id of ['phone-call', 'phone-number']) $(id).disabled = is;
  if (is) $('phone-input').focus(); else $('phone-call').focus();
}

function over() {
  call = null;
  $('phone-input').value = '';
  inCall(false);
  state('call_over');
}

async function ask() {
  const mine = call;
  $('phone-send').disabled = true;
  let screen;
  try {
    screen = await send('POST', '/api/v1/office/phone', { phone: mine.number, call: mine.id, text: mine.answers.join('*') });
  } catch (problem) {
    if (call !== mine) return;
    sayProblem($('phone-said'), problem);
    // Without an answer the same key may be sent again; what was refused ends the call.
    if (problem.status) { over(); return; }
    $('phone-send').disabled = false;
    mine.answers.pop();
    return;
  }
  if (call !== mine) return;
  display(screen.text);
  $('phone-input').value = '';
  if (!screen.more) { over(); return; }
  state('in_call');
  inCall(true);
}

$('phone-call').addEventListener('click', async () => {
  hush($('phone-said'));
  display('');
  call = { id: `page-${newKey()}`, number: $('phone-number').value.trim(), answers: [] };
  state('calling');
  inCall(true);
  await ask();
});

$('phone-form').addEventListener('submit', async (event) => {
  event.preventDefault();
  if (!call || $('phone-send').disabled) return;
  hush($('phone-said'));
  call.answers.push($('phone-input').value.trim());
  await ask();
});

$('phone-end').addEventListener('click', () => { display(''); over(); });
