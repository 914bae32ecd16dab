/**
 * `npm test [-- PATH ...]`: the whole suite with mocha, or the files below the given paths, one file to a process at a
 * time and as many processes as the machine has processors. Ends with mocha's counts and one line `N passed, N failed`;
 * exits with 1 on a failure or when no test ran.
 */
import { readdirSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import Mocha from 'mocha';
import { ensureRequirements } from './requirements.ts';

const repository = dirname(dirname(fileURLToPath(import.meta.url)));
const SLOWEST_TEST_MS = 120_000;
/** Files below these take longest, and start first: otherwise the last of them runs alone at the end. */
const LONG_FOLDERS = [
  'test/mutations/',
  'test/faults/',
  'test/end-to-end/',
  'test/control-plane/cli/',
  'test/host-agent/run/',
];

ensureRequirements();
const mocha = new Mocha({
  forbidOnly: process.env.CI !== undefined,
  timeout: SLOWEST_TEST_MS,
  reporter: 'spec',
  slow: 2_000,
  parallel: true,
  jobs: availableParallelism(),
});
for (const file of testFiles(process.argv.slice(2))) mocha.addFile(file);
const runner = mocha.run(() => {
  const { passes, failures, pending } = runner.stats ?? { passes: 0, failures: 1, pending: 0 };
  process.stdout.write(`${passes} passed, ${failures} failed${pending > 0 ? `, ${pending} skipped` : ''}\n`);
  process.exit(failures > 0 || passes === 0 ? 1 : 0);
});

function testFiles(paths: readonly string[]): string[] {
  const places = paths.length > 0 ? paths.map((path) => resolve(path)) : [join(repository, 'test')];
  const files = places.flatMap((place) => (statSync(place).isDirectory() ? filesBelow(place) : [place]));
  const tests = files.filter((file) => file.endsWith('.test.ts') && !file.includes('/payloads/')).sort();
  return [...tests.filter(isLong), ...tests.filter((file) => !isLong(file))];
}

function isLong(file: string): boolean {
  return LONG_FOLDERS.some((folder) => relative(repository, file).startsWith(folder));
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((path) => join(folder, path));
}
