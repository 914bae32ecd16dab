/**
 * `npm test [-- PATH ...]`: the whole suite with mocha, or the files below the given paths. Ends with mocha's counts and
 * one line `N passed, N failed`; exits with 1 on a failure or when no test ran.
 */
import { readdirSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import Mocha from 'mocha';
import { ensureRequirements } from './requirements.ts';

const repository = dirname(dirname(fileURLToPath(import.meta.url)));
const SLOWEST_TEST_MS = 120_000;

ensureRequirements();
const mocha = new Mocha({
  forbidOnly: process.env.CI !== undefined,
  timeout: SLOWEST_TEST_MS,
  reporter: 'spec',
  slow: 2_000,
});
for (const file of testFiles(process.argv.slice(2))) mocha.addFile(file);
await mocha.loadFilesAsync();
const runner = mocha.run(() => {
  const { passes, failures, pending } = runner.stats ?? { passes: 0, failures: 1, pending: 0 };
  process.stdout.write(`${passes} passed, ${failures} failed${pending > 0 ? `, ${pending} skipped` : ''}\n`);
  process.exit(failures > 0 || passes === 0 ? 1 : 0);
});

function testFiles(paths: readonly string[]): string[] {
  const places = paths.length > 0 ? paths.map((path) => resolve(path)) : [join(repository, 'test')];
  const files = places.flatMap((place) => (statSync(place).isDirectory() ? filesBelow(place) : [place]));
  return files.filter((file) => file.endsWith('.test.ts') && !file.includes('/payloads/')).sort();
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((path) => join(folder, path));
}
