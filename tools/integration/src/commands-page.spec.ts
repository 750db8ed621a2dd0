import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { commandRows, commandsPage, strayNotes } from './commands-page.js';

it('is what docs/commands.md says: npm run docs:commands writes it anew', () => {
  const page = readFileSync(new URL('../../../docs/commands.md', import.meta.url), 'utf8');
  expect(page).toBe(commandsPage());
});

it('gives a reason for each command that is missing or differs', () => {
  const rows = [...commandRows().values()].flat();
  for (const { here, name, note } of rows)
    if (here === 'no' || here === 'differs') expect(note, name).not.toBe('');
  expect(rows.filter(({ name }) => name === 'get')).toEqual([
    { name: 'get', since: '1.0.0', here: 'yes', note: '' },
  ]);
});

it('has no note on a command that is not here', () => {
  expect(strayNotes()).toEqual([]);
});
