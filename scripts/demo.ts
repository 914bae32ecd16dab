/**
 * `npm run demo`: a release goes from a git commit to a proven, inert installation, on this machine, in folders of its own.
 *
 * Nothing is acted: the ceremony, the control plane, the agent and every command are the real programs. The host's file
 * system is a folder; the release is put beside an older one that must not change.
 */
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeFailure, EXIT_CODES, exitCodeOf } from '../shared/service/failure.ts';
import { ScratchFolder } from '../shared/store/scratch-folder.ts';
import { type DemoOptions, demoOptions } from './demo/demo-options.ts';
import { type DemoResult, type Governed, type LedgerDocument, resultOf, resultOfRefusal } from './demo/demo-result.ts';
import { govern, rulePast } from './demo/govern.ts';
import { openProject, type Project } from './demo/open-project.ts';
import { checkOut } from './demo/payload-repository.ts';
import { type Production, postgresProduction, sqliteProduction } from './demo/production.ts';
import { CommandFailed, freePorts, letGo, Programs, stop } from './demo/programs.ts';
import { ensureRequirements } from './requirements.ts';

const HOST = 'contabo';
const VERDICTS = [0, 10, 20, 30];
/** What a repository that was not made for a demo may leave open. */
const ACCEPTED_GAPS = [
  'G1:source-tests:release engineers:declare tests in keyturn.yaml:30',
  'G6:dryrun:operations:a dry run where its data source is:30',
];

ensureRequirements();
process.exitCode = await runDemo(demoOptions(process.argv.slice(2)));

/** Gives the exit code; whatever happened, the last line with `--json` is one object. */
async function runDemo(options: DemoOptions): Promise<number> {
  const startedAt = performance.now();
  let folder: string | undefined;
  try {
    folder = new ScratchFolder('keyturn-demo').path;
    const { result, code } = await demo(options, folder);
    print(result, options);
    return code === 10 ? 0 : code;
  } catch (error) {
    const code = tell(error);
    if (folder !== undefined && code === EXIT_CODES.refused) rmSync(folder, { recursive: true, force: true });
    else if (folder !== undefined) say(`what is left of it, logs among it: ${folder}`);
    print(resultOfRefusal(Math.round(performance.now() - startedAt)), options);
    return code;
  }
}

/** A command that failed has said why. Gives the exit code. */
function tell(error: unknown): number {
  if (!(error instanceof CommandFailed)) {
    say(describeFailure('keyturn demo', error).trimEnd());
    return exitCodeOf(error);
  }
  say(`keyturn demo: ${error.message}`);
  return error.exitCode ?? EXIT_CODES.defect;
}

function print(result: DemoResult, { isJson }: DemoOptions): void {
  if (isJson) process.stdout.write(`${JSON.stringify(result)}\n`);
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Where the parts of one demo stand, and how they reach each other. */
interface Stage {
  readonly folder: string;
  readonly project: Project;
  readonly programs: Programs;
  readonly home: string;
  readonly state: string;
  readonly addresses: { readonly gateway: string; readonly join: string };
  readonly isKept: boolean;
  readonly isSqlite: boolean;
  /** Of the sample payload alone. */
  readonly production: Production | undefined;
}

async function demo(options: DemoOptions, folder: string): Promise<{ result: DemoResult; code: number }> {
  const project = await openProject(options, folder);
  const [gateway, join_] = await freePorts();
  const home = join(folder, 'home');
  const state = join(folder, 'agent');
  const programs = new Programs({ keyturn: ['--home', home], 'keyturn-agent': ['--state', state] }, say);
  const addresses = { gateway: `127.0.0.1:${gateway}`, join: `127.0.0.1:${join_}` };
  const production = project.isSample ? await productionFor(options, folder) : undefined;
  const { isKept, isSqlite } = options;
  const stage: Stage = { folder, project, programs, home, state, addresses, isKept, isSqlite, production };
  say(`keyturn demo: ${project.app} at ${project.ref}, everything below ${folder}`);

  const services: ChildProcess[] = [];
  let isLeftRunning = false;
  try {
    holdCeremony(stage);
    const bundle = build(stage);
    services.push(await serveControlPlane(stage));
    programs.run('keyturn', ['release', 'push', bundle]);
    const [release] = programs.query<{ releases: { app: string; version: string }[] }>('keyturn', [
      'release',
      'list',
    ]).releases;
    if (!release) throw new Error('the control plane lists no release');
    enrolHost(stage);
    services.push(await serveAgent(stage));
    const name = `${release.app}@${release.version}`;
    const deployed = programs.run('keyturn', ['deploy', name, '--host', HOST, '--watch'], {
      expected: [...VERDICTS, EXIT_CODES.held],
    });
    const run = newestRun(stage);
    const code = deployed === EXIT_CODES.held ? rulePast(run, stage) : deployed;
    const governed =
      code === 0 && production
        ? await govern({ ...stage, production, host: HOST, app: release.app, release: name })
        : undefined;
    const result = readOutcome(stage, { run, governed });
    say(`\nreport: ${result.report} (and .html, .json; documents 01 to 08 beside it)`);
    if (isKept) {
      const pids = [...services.map(({ pid }) => pid), production?.pid].filter((pid) => pid !== undefined);
      sayWhatToTry(stage, { name, run, pids });
      isLeftRunning = true;
    }
    return { result, code };
  } finally {
    if (isLeftRunning) services.forEach(letGo);
    else {
      await clearAway(services, folder);
      await production?.stop();
    }
  }
}

/** What stays is the report, the bundle and the logs. */
async function clearAway(services: readonly ChildProcess[], folder: string): Promise<void> {
  await Promise.all(services.map(stop));
  for (const part of ['home', 'agent', 'repository', 'host'])
    rmSync(join(folder, part), { recursive: true, force: true });
}

function holdCeremony({ programs, project, addresses, isSqlite }: Stage): void {
  programs.run('keyturn', [
    'init',
    '--app',
    project.app,
    '--no-passphrase',
    '--address',
    addresses.gateway,
    // The sample reaches its PostgreSQL over the network.
    ...(project.isSample && !isSqlite ? ['--allow', 'network'] : []),
    ...(project.isSample ? [] : ['--accept-gap', ...ACCEPTED_GAPS]),
  ]);
}

/** Gives the path of the bundle. */
function build({ programs, project, folder }: Stage): string {
  const bundle = join(folder, 'release.ktr');
  programs.run('keyturn', [
    'release',
    'build',
    '--repo',
    project.repository,
    '--ref',
    project.ref,
    ...(project.config ? ['--config', project.config] : []),
    '--out',
    bundle,
  ]);
  return bundle;
}

function serveControlPlane({ programs, addresses, folder, isKept }: Stage): Promise<ChildProcess> {
  return programs.serve('keyturn', ['serve', '--listen', addresses.gateway, '--join', addresses.join], {
    log: join(folder, 'control-plane.log'),
    isDetached: isKept,
  });
}

function serveAgent({ programs, folder, isKept }: Stage): Promise<ChildProcess> {
  return programs.serve('keyturn-agent', ['run'], { log: join(folder, 'agent.log'), isDetached: isKept });
}

function newestRun({ programs }: Stage): string {
  const [newest] = programs.query<{ runs: { runId: string }[] }>('keyturn', ['runs']).runs;
  if (newest) return newest.runId;
  throw new Error('the control plane lists no run');
}

function readOutcome(
  { programs, folder }: Stage,
  { run, governed }: { run: string; governed: Governed | undefined },
): DemoResult {
  const report = join(folder, 'report');
  programs.run('keyturn', ['report', run, '--out', report]);
  const ledger = programs.query<LedgerDocument>('keyturn', ['ledger', run], [...VERDICTS, EXIT_CODES.held]);
  return resultOf(ledger, { report: join(report, '08-final-report.md'), governed });
}

/** A host with something on it that must not change, and the secrets that the plan names. */
function enrolHost({ programs, project, folder, addresses, production }: Stage): void {
  const prefix = join(folder, 'host');
  for (const neighbour of project.preserve) placeNeighbour(join(prefix, project.installRoot, neighbour), project);
  mkdirSync(join(prefix, project.installRoot), { recursive: true });
  const bundle = join(folder, `${HOST}.enrolment`);
  programs.run('keyturn', [
    'host',
    'token',
    HOST,
    '--join',
    addresses.join,
    '--gateway',
    addresses.gateway,
    '--out',
    bundle,
  ]);
  programs.run('keyturn-agent', [
    'enrol',
    bundle,
    '--install-root',
    project.installRoot,
    '--root-prefix',
    prefix,
    '--label',
    'env=demo',
  ]);
  for (const secret of project.secrets) {
    // Another project's secret is a placeholder, and named so.
    const input = production?.secrets[secret] ?? 'placeholder-of-the-demo';
    programs.run('keyturn-agent', ['secret', secret], { input });
  }
}

function placeNeighbour(path: string, project: Project): void {
  if (project.isSample) checkOut(project.repository, { ref: 'v0.4.0-dryrun-skeleton', into: path });
  else {
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, 'README'), 'Placed by the demo in the role of what was here before.\n');
  }
}

async function productionFor({ isSqlite, isKept }: DemoOptions, folder: string): Promise<Production> {
  return isSqlite ? sqliteProduction(join(folder, 'host')) : postgresProduction({ isKept });
}

function sayWhatToTry(
  { home, state, folder, production }: Stage,
  { name, run, pids }: { name: string; run: string; pids: readonly number[] },
): void {
  const keyturn = `npm run --silent keyturn -- --home ${home}`;
  say(`
The control plane and the agent go on running. Try:
  ${keyturn} ledger ${run}
  ${keyturn} ledger ${run} --check unit
  ${keyturn} host list
  ${keyturn} release show ${name}
  ${keyturn} readiness ${name} --host ${HOST}
  ${keyturn} inbox
  ${keyturn} audit list
  ${keyturn} evidence ${run} --out evidence.json
  ${keyturn} rollback ${name} --host ${HOST} --watch
  npm run --silent keyturn-agent -- --state ${state} status
Stop them with: kill ${pids.join(' ')}
and remove what is left: rm -r ${[folder, ...(production?.folders ?? [])].join(' ')}`);
}
