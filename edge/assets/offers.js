// What tells offers apart that have one name, one seller and one price: when they were posted, and where that is the same, the end of
// their number. Says it only of those that need it.

import { shortMoment, t } from '/assets/words.js';

const likeness = (p) => JSON.stringify([p.name, p.seller ?? '', p.cooperative_id, p.unit, p.price.amount, p.price.currency, p.status]);

// Those of a list that are alike by some words.
function alike(items, words) {
  const found = new Map();
  for (const item of items) found.set(words(item), [...(found.get(words(item)) ?? []), item]);
  return [...found.values()].filter((group) => group.length > 1);
}

// Words by the id of each offer that needs them: "offered 3 Nov, 09:12".
export function marks(products) {
  const found = new Map();
  for (const twins of alike(products, likeness)) {
    const when = (p) => t('offered_at', { when: shortMoment(p.posted_at) });
    for (const p of twins) found.set(p.id, when(p));
    for (const p of alike(twins, when).flat()) found.set(p.id, `${when(p)} (${p.id.slice(-4)})`);
  }
  return found;
}
