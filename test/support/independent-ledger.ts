/**
 * A second reader of ledgers, for tests: its own parser, chain, signature check, plan expansion, statuses and claims, on
 * Node's crypto alone. It imports nothing of what it checks. It knows the made-up kinds of `ledger-fixture.ts`.
 */
import { createHash, createPublicKey, verify } from 'node:crypto';

// biome-ignore lint/suspicious/noExplicitAny: raw JSON is read here without a schema
type Any = Record<string, any>;

export interface RawBundle {
  readonly entries: readonly Uint8Array[];
  readonly head: Uint8Array;
  readonly hostPublicKey: string;
  readonly statement: Uint8Array;
  readonly plan: Uint8Array;
  readonly buildRecord: Uint8Array;
  readonly policy: Uint8Array;
}

export interface OwnCheck {
  readonly id: string;
  readonly gate: string;
  readonly kind: string;
  readonly seenBy: string;
  status: string;
  seq: number | undefined;
  expectation: { what: string; expected: string; actual: string; met: string } | undefined;
  findings: { code: string; statement: string }[];
}

const ORDER = ['PASS', 'PARTIAL', 'NOT_RUN', 'UNKNOWN', 'BLOCKED', 'FAIL'];
const PROMISE = 'as promised';

export class IndependentLedger {
  readonly entries: Any[];
  readonly head: Any;
  readonly statement: Any;
  readonly plan: Any;
  readonly policy: Any;
  readonly checks: OwnCheck[];
  readonly gates: string[];

  constructor(bundle: RawBundle) {
    this.entries = readChain(bundle.entries);
    this.head = readHead(bundle);
    if (this.head.predicate.size !== this.entries.length) throw new Error('head covers another size');
    if (this.head.predicate.head !== chainDigest(bundle.entries.at(-1) as Uint8Array))
      throw new Error('head names another entry');
    const admitted = this.entries[0]?.body;
    const documents = {
      statementDigest: bundle.statement,
      planDigest: bundle.plan,
      buildRecordDigest: bundle.buildRecord,
      policyDigest: bundle.policy,
    };
    for (const [field, bytes] of Object.entries(documents)) {
      if (createHash('sha256').update(bytes).digest('hex') !== admitted?.[field]) throw new Error(`${field} differs`);
    }
    this.statement = json(bundle.statement);
    this.plan = json(bundle.plan);
    this.policy = json(bundle.policy);
    this.checks = expandPlan(this.plan).map((check) => judged(check, this.entries, json(bundle.buildRecord)));
    this.gates = [...new Set([...this.checks.map(({ gate }) => gate), ...this.policy.gates.required])];
  }

  checksOf(gate: string): OwnCheck[] {
    return this.checks.filter((check) => check.gate === gate);
  }

  gateStatus(gate: string): string {
    return worstOf(this.checksOf(gate).map(({ status }) => status));
  }

  verdict(): string {
    const worst = worstOf(this.gates.map((gate) => this.gateStatus(gate)));
    if (worst === 'PASS') return 'A';
    if (worst === 'FAIL') return 'C';
    return worst === 'PARTIAL' && this.gaps().every(({ accepted }) => accepted === 'YES') ? 'B' : 'D';
  }

  gaps() {
    return this.checks
      .filter(({ status }) => status === 'PARTIAL')
      .map((check) => {
        const evidence = this.entries[check.seq as number]?.body.evidence;
        const rule = this.policy.subGaps.accept.find(
          (each: Any) => each.gate === check.gate && each.checkKind === check.kind,
        );
        const expiry = new Date(evidence.startedAt);
        if (rule) expiry.setUTCDate(expiry.getUTCDate() + rule.maxAgeDays);
        return {
          check: check.id,
          id: `SUBGAP-${check.gate.toUpperCase()}-${check.id.toUpperCase()}`,
          statement: evidence.result.statement,
          owner: rule ? rule.owner : evidence.result.owner,
          route: rule ? rule.route : evidence.result.route,
          accepted: rule ? 'YES' : 'NO',
          expiresAt: rule ? expiry.toISOString() : 'not accepted, so it has none',
        };
      });
  }

  phase(): string {
    return this.entries.findLast((entry) => entry.body.type === 'phase-entered')?.body.to ?? 'admitted';
  }

  anchorDigests(): (string | undefined)[] {
    return ['g3.anchors-before', 'g4.anchors-after', 'g7.anchors-rehearsed'].flatMap((id) => {
      const check = this.checks.find((each) => each.id === id);
      const anchors = this.entries[check?.seq ?? -1]?.body.evidence.result.observation?.anchors ?? [];
      return anchors.flatMap((anchor: Any) => anchor.reads.map((read: Any) => read.digest));
    });
  }

  /** Three stations of three reads, one digest: what `UNTOUCHED` means in a fixture with one neighbour. */
  isSteady(): boolean {
    if (this.plan.install.preserve.length === 0) return true;
    const digests = this.anchorDigests();
    const stations = this.checks.filter(({ kind }) => kind === 'anchor');
    return stations.every(({ status }) => status === 'PASS') && digests.length === 9 && new Set(digests).size === 1;
  }

  private holds(kinds: readonly string[], optional: readonly string[] = []): boolean {
    const rows = this.checks.filter(({ kind }) => [...kinds, ...optional].includes(kind));
    return (
      kinds.every((kind) => rows.some((row) => row.kind === kind)) && rows.every(({ status }) => status === 'PASS')
    );
  }

  claim(name: string): string {
    const isThere = this.phase() !== 'rolledBack';
    const proofs: Record<string, [boolean, string]> = {
      'production-mutation': [
        this.holds(
          ['dryrun', 'one-path-added', 'rehearsal', 'nothing-runs', 'execution-closed'],
          ['anchor', 'refuses-live'],
        ) && this.isSteady(),
        'NONE',
      ],
      'host-mutation': [
        this.holds(['target-free', 'one-path-added'], ['anchor']) && this.isSteady() && isThere,
        'additive only',
      ],
      'execution-enabled': [this.holds(['execution-closed']), 'False'],
      neighbours: [this.holds(['anchor']) && this.isSteady(), 'UNTOUCHED'],
      installed: [this.gateStatus('G4') === 'PASS' && isThere, 'NEW, side-by-side'],
      'nothing-runs': [this.holds(['nothing-runs']), 'NONE'],
      'live-refused': [this.holds(['refuses-live']), 'refused'],
      'rollback-rehearsed': [this.holds(['rehearsal']), 'YES'],
    };
    const [isProven, words] = proofs[name] ?? [false, ''];
    return isProven ? words : 'NOT PROVEN';
  }
}

function readChain(raw: readonly Uint8Array[]): Any[] {
  let previous = '0'.repeat(64);
  return raw.map((bytes, seq) => {
    const entry = json(bytes);
    if (entry.seq !== seq || entry.previous !== previous) throw new Error(`chain breaks at ${seq}`);
    previous = chainDigest(bytes);
    return entry;
  });
}

function chainDigest(bytes: Uint8Array): string {
  return createHash('sha256')
    .update('keyturn-ledger-entry/v1')
    .update(Buffer.from([0]))
    .update(bytes)
    .digest('hex');
}

function readHead({ head, hostPublicKey }: RawBundle): Any {
  const envelope = json(head);
  const payload = Buffer.from(envelope.payload, 'base64');
  const message = Buffer.concat([
    Buffer.from(`DSSEv1 ${envelope.payloadType.length} ${envelope.payloadType} ${payload.length} `),
    payload,
  ]);
  const signature = Buffer.from(envelope.signatures[0].sig, 'base64');
  if (!verify(null, message, createPublicKey(hostPublicKey), signature))
    throw new Error('head is not signed by the host');
  return json(payload);
}

/** The fixed checks of a release with tests and entrypoints, around the plan's own. */
function expandPlan(plan: Any): Pick<OwnCheck, 'id' | 'gate' | 'kind' | 'seenBy'>[] {
  const anchor = (gate: string, name: string) => (plan.install.preserve.length > 0 ? [`${gate}.${name}:anchor`] : []);
  const before = [
    ...['G0.build-environment', 'G0.repository', 'G1.source-tests', 'G1.source-scan', 'G1.declared-entrypoints'],
    ...['G2.artifact-digest', 'G2.artifact-scan', 'G3.target-free', 'G3.plan-locked', 'G3.tools', 'G3.space'],
    ...['G3.rollback-defined', 'G3.fingerprint-before', ...anchor('G3', 'anchors-before')],
    ...['G4.received', 'G4.installed-tree', 'G4.one-path-added', ...anchor('G4', 'anchors-after')],
  ];
  const after = [
    'G7.rehearsal',
    ...anchor('G7', 'anchors-rehearsed'),
    'G7.nothing-runs',
    'G7.execution-closed',
    'G8.report',
  ];
  const fixed = (line: string) => {
    const [, gate = '', name = '', kind = name] = /^(G\d)\.([^:]+)(?::(.*))?$/.exec(line) ?? [];
    const seenBy = ['G0', 'G1', 'G2'].includes(gate) ? 'build' : gate === 'G8' ? 'report' : 'host';
    return { id: `${gate.toLowerCase()}.${name}`, gate, kind, seenBy };
  };
  const own = plan.gates.flatMap(({ gate, checks }: Any) =>
    checks.map(({ id, kind }: Any) => ({ id, gate, kind, seenBy: 'host' })),
  );
  return [...before.map(fixed), ...own, ...after.map(fixed)];
}

function judged(check: Pick<OwnCheck, 'id' | 'gate' | 'kind' | 'seenBy'>, entries: Any[], buildRecord: Any): OwnCheck {
  const own: OwnCheck = { ...check, status: 'NOT_RUN', seq: undefined, expectation: undefined, findings: [] };
  const entry = entries.find(({ body }) => body.type === 'check-recorded' && body.evidence.check === check.id);
  if (!entry) return own;
  own.seq = entry.seq;
  const { result } = entry.body.evidence;
  const statuses: Record<string, string> = {
    'leave-a-gap': 'PARTIAL',
    block: 'BLOCKED',
    lose: 'UNKNOWN',
    'not-run': 'NOT_RUN',
  };
  own.status = statuses[result.did] ?? 'UNKNOWN';
  const signed = buildRecord.checks.find((each: Any) => each.check === check.id)?.observation;
  if (result.did === 'leave-a-gap' && check.seenBy === 'build' && signed) own.status = 'UNKNOWN';
  if (result.did !== 'observe' || typeof result.observation.saw !== 'string') return own;
  if (check.seenBy === 'build' && JSON.stringify(signed) !== JSON.stringify(result.observation)) return own;
  const actual = result.observation.saw;
  const isMet = actual === PROMISE;
  own.status = isMet ? 'PASS' : 'FAIL';
  own.expectation = { what: `what ${check.kind} saw`, expected: PROMISE, actual, met: isMet ? 'MET' : 'NOT MET' };
  own.findings = (result.observation.notes ?? []).map((statement: string) => ({ code: 'noted', statement }));
  return own;
}

function worstOf(statuses: readonly string[]): string {
  if (statuses.length === 0) return 'NOT_RUN';
  return statuses.reduce((worst, status) => (ORDER.indexOf(status) > ORDER.indexOf(worst) ? status : worst));
}

function json(bytes: Uint8Array): Any {
  return JSON.parse(Buffer.from(bytes).toString('utf8'));
}
