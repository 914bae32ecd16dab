/**
 * `npm run demo`: a release goes from a git commit to a proven, inert installation, on this machine, in folders of its own.
 *
 * Nothing is acted: the ceremony, the control plane, the agent and every command are the real programs. The host's file
 * system is a folder; the release is put beside an older one that must not change.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parse } from 'yaml';
import { type DemoOptions, demoOptions } from './demo/demo-options.ts';
import { type LedgerDocument, resultOf } from './demo/demo-result.ts';
import { checkOut, makePayloadRepository, PRODUCTION_SQL, showFile } from './demo/payload-repository.ts';
import { freePorts, letGo, makeDatabase, Programs, stop } from './demo/programs.ts';
import { ensureRequirements } from './requirements.ts';

const HOST = 'contabo';
const VERDICTS = [0, 10, 20, 30];

interface Project {
  readonly repository: string;
  readonly ref: string;
  readonly config: string | undefined;
  readonly app: string;
  readonly installRoot: string;
  readonly preserve: readonly string[];
  readonly secrets: readonly string[];
  readonly isSample: boolean;
}

ensureRequirements();
process.exitCode = await demo(demoOptions(process.argv.slice(2)));

async function demo(options: DemoOptions): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'keyturn-demo-'));
  const say = (line: string) => process.stderr.write(`${line}\n`);
  const project = openProject(options, folder);
  const [gateway, join_] = await freePorts();
  const addresses = { gateway: `127.0.0.1:${gateway}`, join: `127.0.0.1:${join_}` };
  const home = join(folder, 'home');
  const state = join(folder, 'agent');
  const programs = new Programs({ keyturn: ['--home', home], 'keyturn-agent': ['--state', state] }, say);
  say(`keyturn demo: ${project.app} at ${project.ref}, everything below ${folder}`);

  programs.run('keyturn', [
    'init',
    '--app',
    project.app,
    '--no-passphrase',
    '--address',
    addresses.gateway,
    '--accept-gap',
    'G6:dryrun:operations:live dry run with a dry-run capable agent:30',
    ...(project.isSample ? [] : ['G1:source-tests:release engineers:declare tests in keyturn.yaml:30']),
  ]);
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
  const services = [
    await programs.serve('keyturn', ['serve', '--listen', addresses.gateway, '--join', addresses.join], {
      log: join(folder, 'control-plane.log'),
      isDetached: options.isKept,
    }),
  ];
  try {
    programs.run('keyturn', ['release', 'push', bundle]);
    const [release] = programs.query<{ releases: { app: string; version: string }[] }>('keyturn', [
      'release',
      'list',
    ]).releases;
    if (!release) throw new Error('the control plane lists no release');
    enrolHost(programs, { project, folder, addresses });
    services.push(
      await programs.serve('keyturn-agent', ['run'], { log: join(folder, 'agent.log'), isDetached: options.isKept }),
    );
    const name = `${release.app}@${release.version}`;
    const code = programs.run('keyturn', ['deploy', name, '--host', HOST, '--watch'], { expected: VERDICTS });
    const [run] = programs.query<{ runs: { runId: string }[] }>('keyturn', ['runs']).runs;
    const report = join(folder, 'report');
    programs.run('keyturn', ['report', run?.runId ?? '', '--out', report]);
    const ledger = programs.query<LedgerDocument>('keyturn', ['ledger', run?.runId ?? ''], VERDICTS);
    const result = resultOf(ledger, join(report, '08-final-report.md'));
    say(`\nreport: ${result.report} (and .html, .json; documents 01 to 08 beside it)`);
    if (options.isKept)
      sayWhatToTry(say, { home, state, name, run: run?.runId ?? '', pids: services.map((child) => child.pid) });
    if (options.isJson) process.stdout.write(`${JSON.stringify(result)}\n`);
    return code === 0 || code === 10 ? 0 : code;
  } finally {
    if (options.isKept) services.forEach(letGo);
    else await Promise.all(services.map(stop));
    if (!options.isKept)
      for (const part of ['home', 'agent', 'repository', 'host'])
        rmSync(join(folder, part), { recursive: true, force: true });
  }
}

/** The sample payload in a repository made for it, or the user's own. */
function openProject({ repository, ref, config }: DemoOptions, folder: string): Project {
  const path = repository === undefined ? join(folder, 'repository') : resolve(repository);
  if (repository === undefined) makePayloadRepository(path);
  const text =
    config === undefined ? showFile(path, { ref, path: 'keyturn.yaml' }) : readFileSync(resolve(config), 'utf8');
  if (text === undefined) {
    throw new Error(
      `no keyturn.yaml in "${path}" at ${ref}; write one (docs/keyturn-yaml.md), or name one with --config`,
    );
  }
  const {
    name,
    install,
    secrets = [],
  } = parse(text) as { name: string; install: { root: string; preserve?: string[] }; secrets?: string[] };
  return {
    repository: path,
    ref,
    config: config && resolve(config),
    app: name,
    installRoot: install.root,
    preserve: install.preserve ?? [],
    secrets,
    isSample: repository === undefined,
  };
}

/** A host with something on it that must not change, and the secrets that the plan names. */
function enrolHost(
  programs: Programs,
  { project, folder, addresses }: { project: Project; folder: string; addresses: { gateway: string; join: string } },
): void {
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
  for (const secret of project.secrets)
    programs.run('keyturn-agent', ['secret', secret], { input: secretValue(project, folder) });
}

function placeNeighbour(path: string, project: Project): void {
  if (project.isSample) checkOut(project.repository, { ref: 'v0.4.0-dryrun-skeleton', into: path });
  else {
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, 'README'), 'Placed by the demo in the role of what was here before.\n');
  }
}

/** The sample's secret is a DSN of a database that the demo makes; another project's is a placeholder, and named so. */
function secretValue(project: Project, folder: string): string {
  if (!project.isSample) return 'placeholder-of-the-demo';
  const database = join(folder, 'production.sqlite');
  makeDatabase(database, [PRODUCTION_SQL.schema, PRODUCTION_SQL.seed]);
  return `sqlite://${database}`;
}

function sayWhatToTry(
  say: (line: string) => void,
  kept: { home: string; state: string; name: string; run: string; pids: readonly (number | undefined)[] },
): void {
  const keyturn = `npm run --silent keyturn -- --home ${kept.home}`;
  say(`
The control plane and the agent go on running. Try:
  ${keyturn} ledger ${kept.run}
  ${keyturn} ledger ${kept.run} --check unit
  ${keyturn} host list
  ${keyturn} release show ${kept.name}
  ${keyturn} rollback ${kept.name} --host ${HOST} --watch
  npm run --silent keyturn-agent -- --state ${kept.state} status
Stop them with: kill ${kept.pids.join(' ')}`);
}
