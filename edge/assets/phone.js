// A phone on which a visitor walks the menus. It posts what a gateway posts, to where a gateway posts it: the whole text
// typed since the call began, with stars between the answers.

import { newKey } from '/assets/api.js';
import { $, el, fill, hush, say, sayProblem } from '/assets/dom.js';
import { load } from '/assets/standing.js';
import { t } from '/assets/words.js';

const KEYS = [['1', ''], ['2', 'ABC'], ['3', 'DEF'], ['4', 'GHI'], ['5', 'JKL'], ['6', 'MNO'], ['7', 'PQRS'], ['8', 'TUV'], ['9', 'WXYZ'], ['*', ''], ['0', '+'], ['#', '']];
// Where the settings name no code, any will do.
const ANY_CODE = '*384*55#';
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
  const form = new URLSearchParams({ sessionId: mine.id, serviceCode: gateway.service_code || ANY_CODE, phoneNumber: mine.number, networkCode: '99999', text: mine.answers.join('*') });
  let text;
  let status = 0;
  try {
    const response = await fetch(gateway.ussd_path, { method: 'POST', body: form, credentials: 'same-origin' });
    status = response.status;
    text = response.ok ? await response.text() : null;
  } catch {
    say($('phone-said'), 'bad', t('no_answer'));
    $('phone-send').disabled = false;
    mine.answers.pop();
    return;
  }
  if (call !== mine) return;
  const found = /^(CON|END) ?([\s\S]*)$/.exec(text ?? '');
  if (!found) {
    say($('phone-said'), 'bad', t(status === 403 ? 'menus_closed' : 'no_menus'));
    over();
    return;
  }
  display(found[2]);
  $('phone-input').value = '';
  if (found[1] === 'END') { over(); return; }
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
