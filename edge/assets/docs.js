// Shows the API's own description: every operation with its parameters, shapes and problems, and lets one try it on this box.

import { $, el, fill } from '/assets/dom.js';

let doc = null;
const nameOf = (ref) => ref.slice(ref.lastIndexOf('/') + 1);
const resolve = (schema) => (schema?.$ref ? doc.components.schemas[nameOf(schema.$ref)] : schema ?? {});

// A type in few words, with links to shapes.
function type(schema) {
  if (!schema) return ['any'];
  if (schema.$ref) return [el('a', { href: `#shape-${nameOf(schema.$ref)}` }, nameOf(schema.$ref))];
  const one = schema.oneOf ?? schema.anyOf ?? schema.allOf;
  if (one) return one.flatMap((part, n) => [n ? ' or ' : '', ...type(part)]);
  const kinds = [schema.type].flat().filter(Boolean);
  if (kinds.includes('array')) return ['list of ', ...type(schema.items)];
  if (kinds.includes('object') && schema.additionalProperties) return ['object of ', ...type(schema.additionalProperties)];
  return [kinds.join(' or ') + (schema.format ? ` (${schema.format})` : '')];
}

// An example made from the shapes.
function example(schema, depth = 0) {
  if (depth > 6 || !schema) return null;
  if (schema.example !== undefined) return schema.example;
  if (schema.examples?.length) return schema.examples[0];
  if (schema.$ref) return example(resolve(schema), depth + 1);
  const one = schema.oneOf ?? schema.anyOf ?? schema.allOf;
  if (one) return example(one.find((part) => part.type !== 'null') ?? one[0], depth + 1);
  const kind = [schema.type].flat().find((k) => k !== 'null');
  if (kind === 'array') return [example(schema.items, depth + 1)];
  if (kind === 'object') return Object.fromEntries(Object.entries(schema.properties ?? {}).map(([name, of]) => [name, example(of, depth + 1)]));
  if (kind === 'integer' || kind === 'number') return 1;
  if (kind === 'boolean') return true;
  return schema.format === 'uuid' ? '018f3e6a-7c1b-7d2a-9e30-5a6b7c8d9e0f' : '';
}

// **bold**, `code` and [text](address) of the description.
function prose(text) {
  const parts = text.split(/(\*\*[^*]+\*\*|`[^`]+`|\[[^\]]+\]\([^)]+\))/);
  return parts.map((part) => {
    const link = /^\[([^\]]+)\]\(([^)]+)\)$/.exec(part);
    if (link) return el('a', { href: link[2] }, link[1]);
    if (part.startsWith('**')) return el('b', {}, part.slice(2, -2));
    return part.startsWith('`') ? el('code', {}, part.slice(1, -1)) : part.replace(/\*([^*]+)\*/g, '$1');
  });
}

function markdown(text) {
  return text.split(/\n\n+/).map((block) => (block.startsWith('* ')
    ? el('ul', {}, block.split(/\n(?=\* )/).map((item) => el('li', {}, prose(item.slice(2)))))
    : el('p', {}, prose(block))));
}

function fields(schema) {
  const needed = new Set(schema.required ?? []);
  const row = ([name, of]) => el('tr', {}, el('td', {}, el('code', {}, name)), el('td', {}, type(of), needed.has(name) ? '' : el('small', {}, 'may be left out')), el('td', {}, prose(of.description ?? '')));
  return el('div', { class: 'scroll' }, el('table', {}, el('tbody', {}, Object.entries(schema.properties ?? {}).map(row))));
}

function parameters(list) {
  const row = (p) => el('tr', {}, el('td', {}, el('code', {}, p.name), el('small', {}, p.in + (p.required ? ', needed' : ''))), el('td', {}, type(p.schema)), el('td', {}, prose(p.description ?? '')));
  return el('div', { class: 'scroll' }, el('table', {}, el('tbody', {}, list.map(row))));
}

function tryOut(method, path, operation) {
  const list = operation.parameters ?? [];
  const inputs = list.map((p) => [p, el('input', { 'aria-label': p.name, placeholder: p.name })]);
  const content = operation.requestBody?.content?.['application/json'];
  const body = content ? el('textarea', { 'aria-label': 'Body', spellcheck: 'false' }) : null;
  if (body) body.value = JSON.stringify(example(content.schema), null, 2);
  const answer = el('pre', { hidden: true, tabindex: '0' });
  const form = el('form', {}, el('div', { class: 'row' }, inputs.map(([p, input]) => el('div', {}, el('label', {}, p.name), input)), el('div', {}, el('button', { type: 'submit', class: 'quiet' }, 'Try it'))), body, answer);
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    let address = path;
    const query = new URLSearchParams();
    const headers = {};
    for (const [p, input] of inputs) {
      if (p.in === 'path') address = address.replace(`{${p.name}}`, encodeURIComponent(input.value));
      else if (input.value && p.in === 'query') query.set(p.name, input.value);
      else if (input.value && p.in === 'header') headers[p.name] = input.value;
    }
    if (body) headers['content-type'] = 'application/json';
    if ($('token').value.trim()) headers.authorization = `Bearer ${$('token').value.trim()}`;
    answer.hidden = false;
    try {
      const response = await fetch(address + (String(query) && `?${query}`), { method, headers, body: body?.value });
      const text = await response.text();
      let shown = text;
      try { shown = JSON.stringify(JSON.parse(text), null, 2); } catch { /* not JSON: as it came */ }
      const tag = response.headers.get('etag');
      answer.textContent = `${response.status} ${response.statusText}${tag ? `\nETag: ${tag}` : ''}\n\n${shown}`;
    } catch {
      answer.textContent = 'No answer.';
    }
  });
  return form;
}

function operation([method, path, op]) {
  const write = method !== 'get';
  const responses = Object.entries(op.responses).map(([status, response]) => {
    const schema = Object.values(response.content ?? {})[0]?.schema;
    return el('tr', {}, el('td', {}, status), el('td', {}, schema ? type(schema) : ''), el('td', {}, prose(response.description ?? '')));
  });
  const content = op.requestBody?.content?.['application/json']?.schema;
  return el('details', { class: 'operation', id: op.operationId },
    el('summary', {}, el('span', { class: `method${write ? ' write' : ''}` }, method.toUpperCase()), el('span', { class: 'path' }, path), el('span', {}, op.summary ?? ''), op.security ? el('span', { class: 'lock' }, 'needs a session') : ''),
    op.description ? markdown(op.description) : '',
    op.parameters?.length ? [el('h3', {}, 'Parameters'), parameters(op.parameters)] : '',
    content ? [el('h3', {}, 'Body: ', type(content)), el('pre', {}, JSON.stringify(example(content), null, 2))] : '',
    el('h3', {}, 'Answers'), el('div', { class: 'scroll' }, el('table', {}, el('tbody', {}, responses))),
    el('h3', {}, 'Try it'), tryOut(method.toUpperCase(), path, op));
}

// A link to a shape opens it.
function openTarget() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target?.matches('details')) { target.open = true; target.scrollIntoView(); }
}
addEventListener('hashchange', openTarget);

async function start() {
  document.documentElement.setAttribute('data-started', '');
  doc = await (await fetch('/api/openapi.json')).json();
  $('title').textContent = `${doc.info.title}: the API`;
  fill($('about'), markdown(doc.info.description));
  const operations = Object.entries(doc.paths).flatMap(([path, item]) => Object.entries(item).map(([method, op]) => [method, path, op]));
  const tags = [...new Set(operations.map(([, , op]) => op.tags?.[0] ?? 'Other'))];
  fill($('operations'), tags.flatMap((tag) => [el('h2', {}, tag), ...operations.filter(([, , op]) => (op.tags?.[0] ?? 'Other') === tag).map(operation)]));
  fill($('schemas'), Object.entries(doc.components.schemas).sort().map(([name, schema]) =>
    el('details', { class: 'operation', id: `shape-${name}` }, el('summary', {}, el('code', {}, name), el('span', {}, schema.description ?? '')), schema.properties ? fields(schema) : el('p', {}, type(schema)))));
  openTarget();
}

start();
