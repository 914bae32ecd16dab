/**
 * Real releases through the agent's own driver on hosts that are not as they should be: P1, P2, P3, P5 and P6 where they
 * depend on what surrounds a run.
 */

import { appendFileSync, existsSync, mkdirSync, readdirSync, renameSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { releaseOfMaterials } from '../../../host-agent/run/admit-release.ts';
import { assembleDriver, type HostParts } from '../../../host-agent/run/assemble-driver.ts';
import { followDirective } from '../../../host-agent/run/follow-directive.ts';
import { detectSandbox, type Sandbox } from '../../../host-agent/sandbox/sandbox.ts';
import { sha256 } from '../../../shared/digest.ts';
import { deriveSummary, type LedgerSummary } from '../../../shared/ledger/derive.ts';
import { checkKinds } from '../../../shared/ledger/kinds/registry.ts';
import { directiveCodec } from '../../../shared/rpc/definitions.ts';
import type { Policy } from '../../../shared/trust/policy.ts';
import { BuildPlace, buildableRepository, KEYTURN_YAML } from '../../support/build-repository.ts';
import { errorOf } from '../../support/errors-of.ts';
import { snapshotOf } from '../../support/install-fixture.ts';
import { collected } from '../../support/rejection-of.ts';
import { skipAloud } from '../../support/skip.ts';
import { Turnstile } from '../../support/world-turnstile.ts';
import { policyBytes, SignedWorld } from './signed-world.ts';

const RUN = '01JD9QZ5X8M3K7T2B4N6P8R0AA';
const TARGET = 'app/0.6.json';
const INSTALLATION = 'app-0.6';

/** Tries everything that a plan may have declared for it, and refuses. */
const PROBING = `#!/bin/sh
(echo reached > /srv/keyturn-test-writable) 2>/dev/null && echo wrote
test "$(wc -l < /proc/net/route)" -gt 1 && echo routed
echo 'LIVE refused: no permit' >&2
exit 77
`;

const SPECS = {
  quiet: 'gates: { G5: [{ absent: { id: no-env, path: .env } }] }\n',
  tools: `requires: { tools: { sh: { version: '>=1', argv: [-c, 'echo 1.0'] } } }
gates: { G5: [{ absent: { id: no-env, path: .env } }] }
`,
  exec: "gates: { G5: [{ exec: { id: unit, argv: [sh, -c, 'exit 0'] } }, { absent: { id: no-env, path: .env } }] }\n",
  live: `entrypoints:
  live: { argv: [sh, bin/live], live: true, network: true, writable: [/srv] }
gates: { G5: [{ refuses-live: { id: refuses, entrypoint: live } }] }
`,
} as const;
type SpecName = keyof typeof SPECS | 'waits';

interface Built {
  readonly statement: Buffer;
  readonly blobs: ReadonlyMap<string, Buffer>;
}

describe('a release on a host that is not as it should be', function () {
  this.timeout(60_000);
  const built = new Map<SpecName, Built>();
  let sandbox: Sandbox | undefined;
  let turnstile: Turnstile;
  let world: SignedWorld;

  before(async () => {
    sandbox = await detectSandbox();
    turnstile = await Turnstile.open();
    const argv = JSON.stringify(turnstile.argv);
    const waits = `gates: { G5: [{ exec: { id: unit, argv: ${argv}, network: true } }] }\n`;
    const specs = Object.entries({ ...SPECS, waits });
    for (const [name, spec] of specs) built.set(name as SpecName, await build(spec));
  });
  after(() => turnstile[Symbol.asyncDispose]());
  beforeEach(() => {
    world = new SignedWorld();
  });
  afterEach(() => world[Symbol.dispose]());

  async function admit(name: SpecName, policy: Partial<Policy> = {}): Promise<void> {
    const { statement, blobs } = built.get(name) as Built;
    world.trustRoot.changePolicy(
      policyBytes({ ...policy, checkKinds: { allowed: ['absent', 'exec', 'refuses-live'] } }),
    );
    for (const [digest, blob] of blobs) world.blobs.set(digest, blob);
    world.trustRoot.list(TARGET, statement);
    const deploy = { runId: RUN, targetPath: TARGET, statementSha256: sha256(statement) };
    const stored = { seq: 1, bytes: directiveCodec.encode({ kind: 'deploy', deploy }) };
    world.directives.accept(stored);
    const means = {
      ...world.directiveMeans(),
      onRefused: (_directive: unknown, error: Error) => expect.fail(error.message),
    };
    expect(await followDirective(stored, means)).to.equal(RUN);
  }

  function drive(change: Partial<HostParts> = {}): Promise<void> {
    const driver = assembleDriver({
      host: 'devhost-1',
      database: world.database,
      store: world.store,
      blobs: world.blobSource,
      blobCache: join(world.stateDirectory, 'blobs'),
      secrets: { read: () => undefined },
      sandbox,
      rootPrefix: world.rootPrefix,
      hidden: [world.stateDirectory],
      now: () => new Date(),
      waitToRetry: () => Promise.reject(new Error('nothing here may have to be tried again')),
      onProgress: () => undefined,
      signal: new AbortController().signal,
      ...change,
    });
    return driver.drive(RUN);
  }

  function summary(): LedgerSummary {
    const { release, buildRecord, policy } = releaseOfMaterials(world.store.materials(RUN));
    return deriveSummary({
      entries: world.store.entries(RUN),
      release,
      buildRecord,
      acceptedGaps: policy.subGaps.accept,
      requiredGates: policy.gates.required,
      kinds: checkKinds,
    });
  }

  function statuses(): Record<string, string> {
    return Object.fromEntries(summary().gates.flatMap(({ checks }) => checks.map(({ id, status }) => [id, status])));
  }

  function names(): string[] {
    return readdirSync(world.installRoot).sort();
  }

  it('is proven where everything is in order', async () => {
    await admit('exec');
    await drive();
    expect(summary()).to.deep.include({ phase: 'proven' });
    expect(names()).to.deep.equal([INSTALLATION, 'old']);
  });

  for (const [spec, title] of [
    ['tools', 'asks tools for versions'],
    ['exec', 'runs a program'],
    ['live', 'starts a live entrypoint'],
  ] as const) {
    it(`P6: without a sandbox that the policy requires, a plan that ${title} gets no further than G3`, async () => {
      await admit(spec, { sandbox: 'required' });
      const before = snapshotOf(world.rootPrefix);
      await drive({ sandbox: undefined });
      expect(statuses()).to.deep.include({
        'g3.tools': 'BLOCKED',
        'g3.space': 'PASS',
        'g4.received': 'NOT_RUN',
        'g4.installed-tree': 'NOT_RUN',
      });
      const tools = summary()
        .gates.flatMap(({ checks }) => checks)
        .find(({ id }) => id === 'g3.tools');
      expect(tools?.evidence?.result).to.deep.include({ did: 'block', needs: ['bubblewrap'] });
      expect(summary()).to.deep.include({ phase: 'failed', verdict: 'D' });
      expect(world.store.state(RUN).isPromoted).to.equal(false);
      expect(snapshotOf(world.rootPrefix)).to.deep.equal(before);
    });
  }

  it('without a sandbox, a plan that runs no program is proven whatever the policy requires', async () => {
    await admit('quiet', { sandbox: 'required' });
    await drive({ sandbox: undefined });
    expect(statuses()).to.deep.include({ 'g3.tools': 'PASS', 'no-env': 'PASS' });
    expect(summary()).to.deep.include({ phase: 'proven' });
  });

  it('without a sandbox that the policy does not require, the ledger says that there was none', async () => {
    await admit('exec', { sandbox: 'optional' });
    await drive({ sandbox: undefined });
    const text = JSON.stringify(
      summary()
        .gates.flatMap(({ checks }) => checks)
        .find(({ id }) => id === 'unit')?.evidence,
    );
    expect(text).to.include('"kind":"none"');
    expect(statuses().unit).to.equal('PASS');
  });

  it('P2: a live entrypoint that declares a network and paths to write is shown to refuse without either', async function () {
    if (!sandbox) skipAloud(this, 'no bubblewrap on this host');
    await admit('live');
    await drive();
    expect(statuses().refuses).to.equal('PASS');
    const check = summary()
      .gates.flatMap(({ checks }) => checks)
      .find(({ id }) => id === 'refuses');
    const observation = check?.evidence?.result.did === 'observe' && check.evidence.result.observation;
    expect(observation).to.deep.include({ isLive: true });
    expect(JSON.stringify(observation))
      .to.include('"network":false')
      .and.to.not.match(/wrote|routed/);
    expect(existsSync('/srv/keyturn-test-writable')).to.equal(false);
  });

  it('P8: a stop while a program of a check runs ends both within seconds, and leaves no evidence', async function () {
    if (!sandbox) skipAloud(this, 'no bubblewrap on this host');
    await admit('waits', { forbidden: [] });
    turnstile.hold();
    const stopping = new AbortController();
    const driven = errorOf(drive({ signal: stopping.signal }));
    const { gone } = await turnstile.nextHeld();
    const startedAtMs = performance.now();
    stopping.abort(new Error('stopped'));
    expect(await driven).to.deep.include({ message: 'stopped' });
    await gone;
    expect(performance.now() - startedAtMs).to.be.below(6_000);
    expect(statuses().unit).to.equal('NOT_RUN');
    expect(world.store.state(RUN).remaining[0]).to.deep.equal({ do: 'observe', check: 'unit', gate: 'G5' });
  });

  it('P5: an installation that is changed between its promotion and a crash is undone', async () => {
    await admit('quiet');
    const crash = (boundary: string) => {
      if (boundary === 'after promote') throw new Error('crash');
    };
    expect(await errorOf(drive({ testOnlyAtBoundary: crash }))).to.deep.include({ message: 'crash' });
    appendFileSync(join(world.installRoot, INSTALLATION, 'cutter/cli.py'), '#\n');
    await drive();
    expect(statuses()['g4.installed-tree']).to.equal('FAIL');
    expect(summary()).to.deep.include({ phase: 'failed', verdict: 'C' });
    expect(names()).to.deep.equal(['old']);
  });

  const ROOTS: Record<string, { readonly arrange: () => void; readonly check: string }> = {
    'is a link to where the owner allowed something': {
      arrange: () => {
        mkdirSync(join(world.rootPrefix, 'srv'));
        renameSync(world.installRoot, join(world.rootPrefix, 'srv/apps'));
        symlinkSync(join(world.rootPrefix, 'srv/apps'), world.installRoot);
      },
      check: 'g3.target-free',
    },
    'is not there': {
      arrange: () => renameSync(world.installRoot, join(world.rootPrefix, 'moved')),
      check: 'g3.target-free',
    },
    'holds something at the path of the installation': {
      arrange: () => mkdirSync(join(world.installRoot, INSTALLATION)),
      check: 'g3.target-free',
    },
    'holds a dangling link at the path of the installation': {
      arrange: () => symlinkSync('/nowhere', join(world.installRoot, INSTALLATION)),
      check: 'g3.target-free',
    },
    'has lost the neighbour that must be preserved': {
      arrange: () => renameSync(join(world.installRoot, 'old'), join(world.rootPrefix, 'old')),
      check: 'g3.anchors-before',
    },
  };
  for (const [title, { arrange, check }] of Object.entries(ROOTS)) {
    it(`P5: an install root that ${title} is refused before anything is written`, async () => {
      await admit('quiet');
      arrange();
      const before = snapshotOf(world.rootPrefix);
      let wants = 0;
      await drive({
        blobs: {
          fetch: (asked, options) => {
            wants += 1;
            return world.blobSource.fetch(asked, options);
          },
          chunksOf: world.blobSource.chunksOf,
        },
      });
      expect(statuses()[check]).to.not.equal('PASS');
      expect(summary().phase).to.equal('failed');
      expect(snapshotOf(world.rootPrefix)).to.deep.equal(before);
      expect(wants).to.equal(0);
    });
  }

  it('P3: the gate that a run reports is the one that the journal holds, and it is closed', async () => {
    await admit('quiet');
    world.database.exec(
      'insert into gate_states (app, state) values (\'app\', \'{"state":"closed","reason":"killed by An Nguyen","epoch":3,"seenMs":0}\')',
    );
    await drive();
    const check = summary()
      .gates.flatMap(({ checks }) => checks)
      .find(({ id }) => id === 'g7.execution-closed');
    expect(check?.status).to.equal('PASS');
    expect(JSON.stringify(check?.evidence)).to.include('killed by An Nguyen').and.to.include('"gate":"closed"');
  });
});

async function build(spec: string): Promise<Built> {
  const place = new BuildPlace();
  const repository = buildableRepository();
  try {
    repository.write('keyturn.yaml', `${KEYTURN_YAML.replace('name: cutter', 'name: app')}${spec}`);
    repository.write('bin/live', PROBING, { mode: 0o755 }).commit();
    const { statementBytes, blobs } = await place.build(repository.path, { version: '0.6' });
    const all = new Map<string, Buffer>();
    for (const [digest, blob] of blobs) all.set(digest, Buffer.concat(await collected(blob.open())));
    return { statement: statementBytes, blobs: all };
  } finally {
    repository.remove();
    place.remove();
  }
}
