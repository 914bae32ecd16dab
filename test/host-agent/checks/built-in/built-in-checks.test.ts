/** All of Keyturn's own checks in the order of a run, over a real installation, judged as a reader of the ledger does. */

import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { builtInChecks } from '../../../../host-agent/checks/built-in/built-in-checks.ts';
import { type CheckContext, isHeld, type RunFacts } from '../../../../host-agent/checks/observe.ts';
import { promote } from '../../../../host-agent/install/promote.ts';
import { receive } from '../../../../host-agent/install/receive.ts';
import { remove } from '../../../../host-agent/install/remove.ts';
import { stage } from '../../../../host-agent/install/stage.ts';
import { tidy } from '../../../../host-agent/install/tidy.ts';
import { detectSandbox, type Sandbox } from '../../../../host-agent/sandbox/sandbox.ts';
import { canonicalText, type Json } from '../../../../shared/canonical-json.ts';
import type { Finding } from '../../../../shared/ledger/check-kind.ts';
import type { EvidenceResult } from '../../../../shared/ledger/evidence.ts';
import { checkKinds } from '../../../../shared/ledger/kinds/registry.ts';
import { toolsKind } from '../../../../shared/ledger/kinds/tools.ts';
import { type PlannedCheck, plannedChecks, removalCheck } from '../../../../shared/ledger/planned-checks.ts';
import { checkStatus } from '../../../../shared/ledger/status.ts';
import type { Plan } from '../../../../shared/release/plan.ts';
import { codeOf } from '../../../support/errors-of.ts';
import { type InstallFixture, installFixture, memoryFacts, snapshotOf } from '../../../support/install-fixture.ts';
import { skipAloud } from '../../../support/skip.ts';

const PLAN: Partial<Plan> = {
  requires: {
    tools: {
      sh: { optional: false, argv: [] },
      env: { version: '>=1', optional: false, argv: ['--version'] },
      'keyturn-no-such-tool': { optional: true, argv: ['--version'] },
    },
  },
  secrets: ['governance_ro'],
};

describe('host-agent/checks/built-in', () => {
  let fixture: InstallFixture;
  let facts: RunFacts;
  let sandbox: Sandbox | undefined;
  let secret: Uint8Array | undefined;
  before(async () => {
    sandbox = await detectSandbox();
  });
  beforeEach(() => {
    fixture = installFixture({ plan: PLAN });
    facts = memoryFacts();
    secret = Buffer.from('postgres://ro@db/x');
  });
  afterEach(() => fixture.remove());

  it('pass one after the other over an installation, and over its removal', async () => {
    const before = fixture.snapshot();
    const g3 = await observeGate('G3');
    expect(g3.map(({ id, status }) => `${id} ${status}`)).to.deep.equal([
      'g3.target-free PASS',
      'g3.plan-locked PASS',
      `g3.tools ${sandbox ? 'PASS' : 'BLOCKED'}`,
      'g3.secrets-present PASS',
      'g3.space PASS',
      'g3.rollback-defined PASS',
      'g3.fingerprint-before PASS',
      'g3.anchors-before PASS',
    ]);
    await install();
    expect((await observeGate('G4')).map(({ id, status }) => `${id} ${status}`)).to.deep.equal([
      'g4.received PASS',
      'g4.installed-tree PASS',
      'g4.one-path-added PASS',
      'g4.anchors-after PASS',
    ]);
    facts.save('execution-gate', { state: 'closed', reason: 'first start' });
    expect((await observeGate('G7')).map(({ id, status }) => `${id} ${status}`)).to.deep.equal([
      'g7.rehearsal PASS',
      'g7.anchors-rehearsed PASS',
      'g7.nothing-runs PASS',
      'g7.execution-closed PASS',
    ]);
    await tidy(fixture.context);
    expect(fixture.names()).to.deep.equal(['app-1.0', 'old']);
    expect((await observe(removalCheck(fixture.context.release))).status).to.equal('PASS');
    expect(fixture.names()).to.deep.equal(['.keyturn', 'old']);
    expect((await observe(removalCheck(fixture.context.release))).status, 'after a crash').to.equal('PASS');
    await remove(fixture.context);
    await tidy(fixture.context);
    expect(fixture.snapshot()).to.deep.equal(before);
  });

  it('has an observer and a kind for each check of G3, G4 and G7', () => {
    const kinds = plannedChecks(fixture.context.release)
      .filter(({ gate }) => ['G3', 'G4', 'G7'].includes(gate))
      .map(({ kind }) => kind);
    expect(new Set(kinds).size).to.equal(14);
    for (const kind of kinds) expect([builtInChecks.has(kind), checkKinds.has(kind)], kind).to.deep.equal([true, true]);
  });

  it('finds tools in the sandbox and tells which are absent', async function () {
    if (!sandbox) {
      skipAloud(this, 'no bubblewrap on this host');
    }
    const { result, findings } = await observe(check('g3.tools'));
    if (result.did !== 'observe') throw new Error(`expected an observation, got "${result.did}"`);
    const seen = toolsKind.observation.parse(result.observation).tools;
    expect(seen.map(({ name, path, version }) => [name, path !== undefined, version !== undefined])).to.deep.equal([
      ['sh', true, false],
      ['env', true, true],
      ['keyturn-no-such-tool', false, false],
    ]);
    expect(findings).to.deep.equal([
      { code: 'tool-missing', statement: 'keyturn-no-such-tool is absent on this host' },
    ]);
  });

  it('blocks when versions must be asked for and there is no sandbox', async () => {
    const { result } = await observe(check('g3.tools'), { sandbox: undefined });
    expect(result).to.deep.include({ did: 'block', needs: ['bubblewrap'] });
  });

  it('blocks and names what is needed when a secret is missing or empty', async () => {
    for (const value of [undefined, new Uint8Array()]) {
      secret = value;
      expect((await observe(check('g3.secrets-present'))).result).to.deep.include({
        did: 'block',
        needs: ['secret governance_ro'],
      });
    }
  });

  describe('fail when the host is not as it must be:', () => {
    interface Row {
      readonly check: string;
      readonly installed?: true;
      readonly disturb: () => void;
    }
    const target = () => fixture.context.places.installPath;
    const ROWS: Readonly<Record<string, Row>> = {
      'a folder at the target': { check: 'g3.target-free', disturb: () => mkdirSync(target()) },
      'a dangling link at the target': { check: 'g3.target-free', disturb: () => symlinkSync('nowhere', target()) },
      'an install root that is a link': {
        check: 'g3.target-free',
        disturb: () => {
          renameSync(fixture.root, join(fixture.folder, 'real'));
          symlinkSync(join(fixture.folder, 'real'), fixture.root);
        },
      },
      'a preserved neighbour that is missing': {
        check: 'g3.anchors-before',
        disturb: () => rmSync(join(fixture.root, 'old'), { recursive: true }),
      },
      'a neighbour that changed during the install': {
        check: 'g4.anchors-after',
        installed: true,
        disturb: () => writeFileSync(join(fixture.root, 'old/version.txt'), '0.4.1\n'),
      },
      'a neighbour that changed during the install, by its fingerprint': {
        check: 'g4.one-path-added',
        installed: true,
        disturb: () => writeFileSync(join(fixture.root, 'old/version.txt'), '0.4.1\n'),
      },
      'a neighbour that was removed during the install': {
        check: 'g4.anchors-after',
        installed: true,
        disturb: () => rmSync(join(fixture.root, 'old'), { recursive: true }),
      },
      'a second path added': {
        check: 'g4.one-path-added',
        installed: true,
        disturb: () => writeFileSync(join(fixture.root, 'x'), ''),
      },
      'an installed tree with one byte changed': {
        check: 'g4.installed-tree',
        installed: true,
        disturb: () => writeFileSync(join(target(), 'lib/twin-a'), 'The same content\n'),
      },
      'an installed tree with a file added': {
        check: 'g4.installed-tree',
        installed: true,
        disturb: () => writeFileSync(join(target(), 'lib/added.pyc'), ''),
      },
      'an installation without its deploy manifest': {
        check: 'g4.installed-tree',
        installed: true,
        disturb: () => rmSync(join(target(), 'DEPLOY-MANIFEST.txt')),
      },
      'something that a rollback would leave over': {
        check: 'g7.rehearsal',
        installed: true,
        disturb: () => writeFileSync(join(fixture.root, 'left-over'), ''),
      },
      'an open execution gate': {
        check: 'g7.execution-closed',
        installed: true,
        disturb: () => facts.save('execution-gate', { state: 'open', reason: 'order 7' }),
      },
    };
    for (const [story, row] of Object.entries(ROWS)) {
      it(`${story} (${row.check})`, async () => {
        if (row.installed) {
          await observeGate('G3');
          await install();
        }
        row.disturb();
        expect((await observe(check(row.check))).status).to.equal('FAIL');
      });
    }
    it('thirteen ways', () => expect(Object.keys(ROWS)).to.have.length(13));
  });

  it('are blocked, not passed, when what they compare with is not on record', async () => {
    await install();
    for (const id of ['g4.one-path-added', 'g4.anchors-after', 'g7.rehearsal', 'g7.execution-closed']) {
      expect(await codeOf(() => observe(check(id))), id).to.equal('fact-missing');
    }
    facts.save('fingerprint-before', { schema: 'keyturn.fingerprint/v2' });
    expect(await codeOf(() => observe(check('g4.one-path-added')))).to.equal('fingerprint-malformed');
    facts.save('anchors-before', { old: 'not a digest' });
    expect(await codeOf(() => observe(check('g4.anchors-after')))).to.equal('fact-malformed');
  });

  it('keep the first fingerprint and the first anchors, whatever a repeated look sees', async () => {
    await observeGate('G3');
    const [fingerprint, anchors] = [facts.load('fingerprint-before'), facts.load('anchors-before')];
    writeFileSync(join(fixture.root, 'old/version.txt'), 'changed\n');
    expect((await observe(check('g3.anchors-before'))).status).to.equal('FAIL');
    await observe(check('g3.fingerprint-before'));
    expect([facts.load('fingerprint-before'), facts.load('anchors-before')]).to.deep.equal([fingerprint, anchors]);
  });

  it('read the anchor that a plan asks for itself, in or outside the preserved neighbours', async () => {
    writeFileSync(join(fixture.root, 'config'), 'x');
    const own = {
      id: 'config-untouched',
      gate: 'G5',
      kind: 'anchor',
      params: { paths: ['/opt/dot/config'], reads: 2 },
      seenBy: 'host',
      timeoutMs: undefined,
    } as const;
    expect((await observe(own)).status).to.equal('PASS');
    await observeGate('G3');
    writeFileSync(join(fixture.root, 'old/version.txt'), 'changed\n');
    expect((await observe({ ...own, params: { paths: ['/opt/dot/old'], reads: 2 } })).status).to.equal('FAIL');
  });

  it('find a removal with nothing to remove', async () => {
    const before = snapshotOf(fixture.root);
    expect((await observe(removalCheck(fixture.context.release))).status).to.equal('PASS');
    expect(snapshotOf(fixture.root)).to.deep.equal(before);
  });

  async function install(): Promise<void> {
    const report = await receive(fixture.context, { source: fixture.source });
    facts.save('received', report as unknown as Json);
    await stage(fixture.context);
    await promote(fixture.context);
  }

  function check(id: string): PlannedCheck {
    const found = plannedChecks(fixture.context.release).find((planned) => planned.id === id);
    if (!found) throw new Error(`expected a check "${id}"`);
    return found;
  }

  async function observeGate(gate: string) {
    const rows: Awaited<ReturnType<typeof observe>>[] = [];
    for (const planned of plannedChecks(fixture.context.release))
      if (planned.gate === gate) rows.push(await observe(planned));
    return rows;
  }

  async function observe(planned: PlannedCheck, changes: Partial<CheckContext> = {}) {
    const { run, release, manifest, places, signal } = fixture.context;
    const observer = builtInChecks.get(planned.kind);
    if (!observer) throw new Error(`expected an observer of "${planned.kind}"`);
    const secrets = { read: () => secret };
    const context: CheckContext = {
      run,
      check: planned,
      release,
      manifest,
      places,
      facts,
      secrets,
      sandbox,
      sandboxRule: 'required',
      signal,
      ...changes,
    };
    const outcome = await observer(context);
    if (isHeld(outcome)) throw new Error(`check "${planned.id}" waits for people`);
    const { result } = outcome;
    return { id: planned.id, result, ...judged(planned, result) };
  }
}).timeout(60_000);

function judged(planned: PlannedCheck, result: EvidenceResult): { status: string; findings: readonly Finding[] } {
  if (result.did !== 'observe') return { status: result.did === 'block' ? 'BLOCKED' : 'UNKNOWN', findings: [] };
  const kind = checkKinds.get(planned.kind);
  if (!kind) throw new Error(`expected a kind "${planned.kind}"`);
  const seen = JSON.parse(canonicalText(result.observation)) as unknown;
  const { expectations, findings } = kind.judge(kind.params.parse(planned.params), kind.observation.parse(seen));
  return { status: checkStatus({ came: 'to-its-end', expectations }), findings };
}
