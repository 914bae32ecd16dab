/**
 * From an empty folder to releases on a host, with the programs that people run and nothing else: ceremony, control
 * plane, agent, build, push, deploy, ledger, export, rollback. Exit codes tell the truth (P6), no secret is told (P7),
 * one path comes and goes (P5).
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { sha256 } from '../../shared/digest.ts';
import { snapshotOf, writeFiles } from '../support/install-fixture.ts';
import { type Ended, freePorts, KEYTURN, KEYTURN_AGENT, runProgram, Service } from '../support/world-programs.ts';
import {
  APP,
  INSTALL_ROOT,
  NEIGHBOUR_FILES,
  NEIGHBOUR_NAME,
  PASSING_GATES,
  PROVING_GATES,
  type SampleSpec,
  SECRET,
  SECRET_NAME,
  sampleRepository,
} from '../support/world-release.ts';

const HOST = 'web-1';
const TELLING = {
  exec: {
    id: 'tell',
    argv: ['python3', 'tools/tell.py', `/run/keyturn/secrets/${SECRET_NAME}`],
    secrets: [SECRET_NAME],
  },
};

/** A release for each verdict, with the exit code of its deployment. */
const RELEASES: readonly (SampleSpec & { verdict: string; exitCode: number; phase: string })[] = [
  { version: '1.0.0', gates: PASSING_GATES, verdict: 'A', exitCode: 0, phase: 'proven' },
  { version: '1.1.0', gates: PROVING_GATES, verdict: 'B', exitCode: 10, phase: 'proven' },
  { version: '1.2.0', gates: { ...PASSING_GATES, G5: [TELLING] }, verdict: 'C', exitCode: 20, phase: 'failed' },
  // The policy accepts the gap of a dry run in G6, and nowhere else.
  {
    version: '1.3.0',
    gates: { ...PASSING_GATES, G5: PROVING_GATES.G6.filter((item) => 'dryrun' in item) },
    verdict: 'D',
    exitCode: 30,
    phase: 'proven',
  },
];

interface LedgerDocument {
  readonly run: string;
  readonly phase: string;
  readonly verdict: string;
  readonly installPath: string;
  readonly gates: readonly { readonly gate: string; readonly checks: readonly { id: string; status: string }[] }[];
}

interface Drilled {
  readonly drill: string;
  readonly rows: readonly { readonly row: string; readonly verdict: string; readonly code?: string }[];
}

describe('the programs, from the ceremony to the rollback', function () {
  this.timeout(120_000);
  const folder = mkdtempSync(join(tmpdir(), 'keyturn-programs-'));
  const at = (...names: string[]) => join(folder, ...names);
  const installRoot = at('root', INSTALL_ROOT);
  const home = ['--home', at('home')];
  const state = ['--state', at('agent')];
  const passphrase = ['--passphrase-file', at('passphrase')];
  const services: Service[] = [];
  /** Everything that any program has printed. */
  const printed: string[] = [];
  const seenExitCodes = new Set<number>();
  const runs = new Map<string, LedgerDocument>();
  let ports: number[] = [];
  let neighbours: readonly string[] = [];

  before(async () => {
    mkdirSync(installRoot, { recursive: true, mode: 0o755 });
    writeFiles(installRoot, NEIGHBOUR_FILES);
    neighbours = snapshotOf(installRoot);
    writeFileSync(at('passphrase'), 'four lamps by the harbour\n');
    ports = await freePorts(2);
  });

  after(async () => {
    for (const service of services.reverse()) await service[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  it('holds the key ceremony', async () => {
    const gap = 'G6:dryrun:operations:a dry run by hand:30';
    const quorums = ['--root', '1/1', '--targets', '1/1', '--accept-gap', gap];
    const made = await keyturn<{ roles: object[] }>(0, [
      'init',
      '--app',
      APP,
      '--address',
      gateway(),
      ...quorums,
      ...passphrase,
    ]);
    expect(made.roles).to.have.length(5);
  });

  it('ends with 69 while no control plane runs, and with 77 where a second ceremony is tried', async () => {
    expect(await failure(69, ['host', 'list']))
      .to.have.property('message')
      .that.includes('listHosts');
    expect(await failure(77, ['init', '--app', APP, ...passphrase])).to.include({ code: 'home-exists' });
  });

  it('starts the control plane, enrols a host, starts its agent', async () => {
    const listen = ['--listen', gateway(), '--join', joining(), '--reports', at('reports')];
    const control = await Service.start(KEYTURN, [...home, '--json', 'serve', ...listen]);
    services.push(control.service);
    expect(JSON.parse(control.firstLine)).to.deep.include({ ready: true, gateway: gateway(), join: joining() });
    const addresses = ['--gateway', gateway(), '--join', joining()];
    await keyturn(0, ['host', 'token', HOST, ...addresses, '--out', at('web-1.enrolment')]);
    await agent(['enrol', at('web-1.enrolment'), '--install-root', INSTALL_ROOT, '--root-prefix', at('root')]);
    await agent(['secret', SECRET_NAME], `${SECRET}\n`);
    const started = await Service.start(KEYTURN_AGENT, [...state, 'run']);
    services.push(started.service);
    expect(started.firstLine).to.equal(`agent ready: ${HOST}`);
  });

  it('refuses what cannot be meant with 64, and what is not published with 77', async () => {
    expect(await failure(64, ['deploy', 'no-version', '--host', HOST])).to.have.property('message');
    expect((await run(['deploy', `${APP}@1.0.0`])).exitCode, 'no host').to.equal(64);
    expect(await failure(77, ['deploy', `${APP}@9.9.9`, '--host', HOST])).to.include({ code: 'release-not-found' });
  });

  for (const release of RELEASES) {
    const { version, verdict, exitCode, phase } = release;
    it(`builds, pushes and deploys ${APP}@${version}: verdict ${verdict}, exit code ${exitCode}`, async () => {
      using repository = sampleRepository(release);
      const source = ['--repo', repository.path, '--ref', 'HEAD', '--release-version', version];
      await keyturn(0, ['release', 'build', ...source, '--out', bundle(version)]);
      await keyturn(0, ['release', 'push', bundle(version), ...passphrase]);
      const ledger = await keyturn<LedgerDocument>(exitCode, [
        'deploy',
        `${APP}@${version}`,
        '--host',
        HOST,
        '--watch',
      ]);
      expect(ledger).to.include({ verdict, phase, installPath: `${INSTALL_ROOT}/${APP}-${version}` });
      expect(existsSync(join(installRoot, `${APP}-${version}`))).to.equal(true);
      runs.set(version, ledger);
    });
  }

  it('shows the ledger again from the run alone, with the same verdict and exit code', async () => {
    for (const { version, verdict, exitCode } of RELEASES) {
      expect(await keyturn(exitCode, ['ledger', runOf(version)])).to.include({ verdict });
    }
    expect(await keyturn<{ runs: object[] }>(0, ['runs']))
      .to.have.property('runs')
      .that.has.length(RELEASES.length);
  });

  it('shows a failing check with its failure capsule, from which the secret is gone', async () => {
    const row = await keyturn<{ status: string; capsule: { stdout: string; stderr: string } }>(0, [
      ...['ledger', runOf('1.2.0'), '--check', 'tell'],
    ]);
    expect(row.status).to.equal('FAIL');
    expect(JSON.stringify(row.capsule).match(/\[redacted\]/g)).to.have.length.at.least(3);
    const shown = await run(['ledger', runOf('1.2.0'), '--check', 'tell']);
    expect(shown.stdout).to.include('connecting with [redacted]').and.to.include('as hex [redacted]');
    expect(await failure(77, ['ledger', runOf('1.2.0'), '--check', 'no-such'])).to.include({ code: 'check-unknown' });
  });

  it('has put the secret nowhere but into the secret store: journal, store, reports, installations, output', () => {
    const places = [at('agent'), at('home'), at('reports'), at('root')];
    const files = places.flatMap(filesBelow).filter((path) => !path.startsWith(at('agent', 'secrets')));
    expect(files.length).to.be.at.least(60);
    expect(
      readdirSync(at('reports'), { recursive: true }).filter((name) => String(name).endsWith('.md')),
    ).to.have.length.at.least(8 * RELEASES.length);
    expect(files.filter((path) => tellsSecret(readFileSync(path)))).to.deep.equal([]);
    expect(printed.filter((text) => tellsSecret(Buffer.from(text)))).to.deep.equal([]);
    expect(tellsSecret(readFileSync(at('agent', 'secrets', SECRET_NAME))), 'the search finds it where it is').to.equal(
      true,
    );
    console.log(`      ${files.length} files and ${printed.length} outputs searched for the secret`);
  });

  it('exports the archive whose digest the signed statement names', async () => {
    const { statement } = await keyturn<{ statement: { archive: { sha256: string } } }>(0, [
      'release',
      'show',
      `${APP}@1.0.0`,
    ]);
    await keyturn(0, ['release', 'export', `${APP}@1.0.0`, '--out', at('exported.tar.gz')]);
    expect(sha256(readFileSync(at('exported.tar.gz')))).to.equal(statement.archive.sha256);
  });

  it('saves the eight documents of a run', async () => {
    const saved = await keyturn<{ documents: string[] }>(0, ['report', runOf('1.0.0'), '--out', at('saved')]);
    expect(saved.documents.filter((name) => name.endsWith('.md'))).to.have.length(8);
    expect(readdirSync(at('saved')).sort()).to.deep.equal([...saved.documents].sort());
  });

  it('drills the host with orders that approvers sign one after the other, and shows each refusal', async () => {
    expect(await failure(64, ['drill', 'prepare', '--host', HOST])).to.have.property('message');
    const [first = '', ...others] = readdirSync(at('home', 'keys', 'approvers')).filter((name) =>
      name.endsWith('.pem'),
    );
    const keyed = (name: string) => ['--key', at('home', 'keys', 'approvers', name), '--yes', ...passphrase];
    const file = at('drill.json');
    await keyturn(0, ['drill', 'prepare', `${APP}@1.0.0`, '--host', HOST, ...keyed(first), '--out', file]);
    expect(await failure(77, ['drill', 'prepare', '--from', file])).to.include({ code: 'quorum-not-met' });
    const signing = others.flatMap((name) => keyed(name));
    expect(await keyturn(0, ['drill', 'prepare', '--from', file, ...signing])).to.deep.include({
      app: APP,
      hosts: [HOST],
    });
    // No order has opened a gate here yet, so one of the eleven rows cannot be run, and the drill is not passed.
    const drill = await keyturn<Drilled>(30, ['drill', '--app', APP, '--host', HOST]);
    const refused = drill.rows.filter(({ verdict }) => verdict === 'refused').map(({ row, code }) => `${row} ${code}`);
    expect(refused).to.have.length(10);
    expect(refused).to.include('expired order-expired').and.to.include('below-threshold quorum-not-met');
    expect(drill.rows.find(({ row }) => row === 'replayed')).to.include({ verdict: 'not run' });
    expect(await keyturn(30, ['drill', 'show', drill.drill])).to.deep.equal(drill);
  });

  it('drills kills, and lists all drills', async () => {
    const { overall } = await keyturn<{ overall: { answeredCount: number; durableMs: { p99: number } } }>(0, [
      ...['drill', 'kill', '--all', '--rounds', '3'],
    ]);
    expect(overall.answeredCount).to.equal(3);
    expect(overall.durableMs.p99).to.be.at.least(0);
    const { drills } = await keyturn<{ drills: { kind: string; rowCount: number; goodCount: number }[] }>(0, [
      ...['drill', 'list'],
    ]);
    expect(drills.map(({ kind, rowCount, goodCount }) => [kind, rowCount, goodCount])).to.deep.equal([
      ['kill', 3, 3],
      ['refusal', 11, 10],
    ]);
    expect((await run(['drill', 'list'])).stdout).to.include('10 of 11 as expected');
    expect((await run(['audit', 'list'])).stdout).to.include(`${HOST} ${APP} refused order-expired`);
  });

  it('rolls back: the one path goes, everything else stays, and that is proven', async () => {
    const others = () => snapshotOf(installRoot).filter((line) => !line.includes(` ${APP}-1.0.0`));
    const before = others();
    const ledger = await keyturn<LedgerDocument>(0, ['rollback', `${APP}@1.0.0`, '--host', HOST, '--watch']);
    expect(ledger).to.include({ phase: 'rolledBack', verdict: 'A' });
    const removal = ledger.gates.flatMap(({ checks }) => checks).find(({ id }) => id === 'rollback.removal');
    expect(removal).to.include({ status: 'PASS' });
    expect(readdirSync(installRoot).sort()).to.deep.equal(
      [NEIGHBOUR_NAME, ...['1.1.0', '1.2.0', '1.3.0'].map((version) => `${APP}-${version}`)].sort(),
    );
    expect(others()).to.deep.equal(before);
    expect(snapshotOf(installRoot).filter((line) => neighbours.includes(line))).to.deep.equal(neighbours);
    expect(await failure(77, ['rollback', `${APP}@1.0.0`, '--host', HOST])).to.include({ code: 'run-rolled-back' });
  });

  it('has shown every exit code', () => {
    expect([...seenExitCodes].sort((a, b) => a - b)).to.deep.equal([0, 10, 20, 30, 64, 69, 77]);
    console.log(`      ${printed.length} outputs, exit codes ${[...seenExitCodes].sort((a, b) => a - b).join(', ')}`);
  });

  async function run(words: readonly string[]): Promise<Ended> {
    const ended = await runProgram(KEYTURN, [...home, ...words]);
    printed.push(ended.stdout, ended.stderr);
    seenExitCodes.add(ended.exitCode ?? -1);
    return ended;
  }

  /** With `--json`, whose one document must parse. */
  async function keyturn<T = unknown>(exitCode: number, words: readonly string[]): Promise<T> {
    const ended = await run(['--json', ...words]);
    expect(ended.exitCode, `keyturn ${words.join(' ')}: ${ended.stderr}${ended.stdout}`).to.equal(exitCode);
    expect(ended.stdout.trimEnd().split('\n')).to.have.length(1);
    return JSON.parse(ended.stdout) as T;
  }

  /** What a command that is refused says of it. */
  async function failure(exitCode: number, words: readonly string[]): Promise<{ code?: string; message: string }> {
    const { error } = await keyturn<{ error: { code?: string; message: string } }>(exitCode, words);
    return error;
  }

  async function agent(words: readonly string[], input = ''): Promise<void> {
    const ended = await runProgram(KEYTURN_AGENT, [...state, ...words], { input });
    printed.push(ended.stdout, ended.stderr);
    expect(ended.exitCode, `keyturn-agent ${words.join(' ')}: ${ended.stderr}`).to.equal(0);
  }

  function gateway(): string {
    return `127.0.0.1:${ports[0]}`;
  }

  function joining(): string {
    return `127.0.0.1:${ports[1]}`;
  }

  function bundle(version: string): string {
    return at(`${APP}-${version}.ktr`);
  }

  function runOf(version: string): string {
    return runs.get(version)?.run ?? `no run of ${version}`;
  }
});

function tellsSecret(bytes: Buffer): boolean {
  const secret = Buffer.from(SECRET);
  return [SECRET, secret.toString('base64'), secret.toString('hex')].some((spelling) => bytes.includes(spelling));
}

function filesBelow(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}
