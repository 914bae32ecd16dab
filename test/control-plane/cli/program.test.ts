/** The program as a process: what it loads, what it documents, how it ends. */
import { spawn, spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import type { Command } from 'commander';
import { createProgram } from '../../../control-plane/cli/program.ts';
import { VERDICT_EXIT_CODES } from '../../../shared/ledger/status.ts';
import { EXIT_CODES } from '../../../shared/service/failure.ts';
import { buildBundle, CommandWorld, keyturn } from '../../support/command-line.ts';

const repository = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));
const MAIN = join(repository, 'control-plane', 'cli', 'main.ts');

/** Prints the address of every module that the process loads, on its standard error. */
const TRACE = `data:text/javascript,${encodeURIComponent(`
import { registerHooks } from 'node:module';
import { writeSync } from 'node:fs';
registerHooks({ load(url, context, next) { writeSync(2, 'loaded ' + url + '\\n'); return next(url, context); } });
`)}`;

/** What only some commands need, and takes long to load. */
const HEAVY = [
  '@grpc/',
  'tuf-js',
  '@tufjs/',
  'secretlint',
  'better-sqlite3',
  'kysely',
  '@peculiar/',
  'pino',
  'control-plane/report/documents',
];

function loadedBy(...argv: string[]): string[] {
  const ended = spawnSync(process.execPath, ['--import', TRACE, MAIN, ...argv], { encoding: 'utf8' });
  expect(ended.status, ended.stderr.replaceAll(/^loaded .*\n/gm, '')).to.equal(0);
  return [...ended.stderr.matchAll(/^loaded (.*)$/gm)].map(([, url]) => url as string);
}

const heavyIn = (urls: readonly string[]): string[] => HEAVY.filter((name) => urls.some((url) => url.includes(name)));

function allCommands(command: Command): Command[] {
  return command.commands.flatMap((child) => [child, ...allCommands(child)]);
}

describe('the program keyturn', function () {
  this.timeout(30_000);

  it('loads the code of no command to print its help', () => {
    const urls = loadedBy('release', 'build', '--help');
    expect(urls.some((url) => url.endsWith('/cli/program.ts'))).to.equal(true);
    expect(urls.filter((url) => url.includes('/cli/actions/'))).to.deep.equal([]);
    expect(heavyIn(urls)).to.deep.equal([]);
  });

  it('loads neither gRPC nor the trust client to look into a bundle', async () => {
    await using world = new CommandWorld();
    const bundle = await buildBundle(world.folder, '0.6');
    const shown = loadedBy('release', 'show', bundle);
    expect(shown.some((url) => url.endsWith('/actions/release-show.ts'))).to.equal(true);
    expect(heavyIn(shown)).to.deep.equal([]);
    const exported = loadedBy('release', 'export', bundle, '--out', world.at('archive.tar.gz'));
    expect(heavyIn(exported)).to.deep.equal([]);
  });

  it('documents every exit code that it has', async () => {
    const { stdout, exitCode } = await keyturn('--help');
    expect(exitCode).to.equal(0);
    const documented = [...(/Exit codes:([\s\S]*)$/.exec(stdout)?.[1] ?? '').matchAll(/\b\d+\b/g)].map(Number);
    const verdicts = Object.values(VERDICT_EXIT_CODES);
    expect(documented.toSorted()).to.deep.equal([...verdicts, ...Object.values(EXIT_CODES)].toSorted());
  });

  it('describes every command and every option', () => {
    const commands = allCommands(createProgram());
    expect(commands).to.have.length.at.least(24);
    for (const command of commands) {
      expect(command.description(), command.name()).to.match(/^\S.{9,}[^.]$/);
      for (const option of command.options) expect(option.description, option.flags).to.not.equal('');
    }
  });

  it('takes its home from KEYTURN_HOME, unless --home says another', () => {
    const run = (...argv: string[]) =>
      spawnSync(process.execPath, [MAIN, '--json', ...argv, 'runs'], {
        encoding: 'utf8',
        env: { KEYTURN_HOME: '/nowhere/from-environment' },
      });
    expect(run().stdout).to.include('/nowhere/from-environment');
    expect(run('--home', '/nowhere/said').stdout).to.include('/nowhere/said').and.not.include('from-environment');
  });

  it('colours nothing that is not a terminal', async () => {
    const ended = spawnSync(process.execPath, [MAIN, '--help'], { encoding: 'utf8' });
    expect(ended.status).to.equal(0);
    expect(ended.stdout).to.not.include('\u001b');
  });

  it('ends without a word when whoever reads it has gone', async () => {
    const child = spawn(process.execPath, [MAIN, '--help'], { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.destroy();
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const exitCode = await new Promise((resolve) => child.once('close', resolve));
    expect([exitCode, stderr]).to.deep.equal([0, '']);
  });
});
