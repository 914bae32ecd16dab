/** The evidence of a build as it comes in, and what it amounts to. Statuses come from the kinds' judges alone (P6). */
import type { Json } from '../../shared/canonical-json.ts';
import { RejectedError } from '../../shared/errors.ts';
import type { CheckKind, Finding } from '../../shared/ledger/check-kind.ts';
import type { FailureCapsule } from '../../shared/ledger/evidence.ts';
import { checkStatus, type Expectation, type Status, worst } from '../../shared/ledger/status.ts';
import type { BuildObservation, BuildRecord } from '../../shared/release/build-record.ts';

export type BuildGate = BuildObservation['gate'];

export interface BuildCheckRow {
  readonly id: string;
  readonly gate: BuildGate;
  readonly kind: string;
  readonly params: Json;
  readonly status: Status;
  readonly expectations: readonly Expectation[];
  readonly findings: readonly Finding[];
  readonly observation: Json;
  readonly capsule: FailureCapsule | undefined;
}

export interface BuildSummary {
  readonly checks: readonly BuildCheckRow[];
  readonly gates: readonly { readonly gate: BuildGate; readonly status: Status }[];
  readonly findings: readonly Finding[];
}

/** The evidence does not pass; nothing was written. */
export class BuildRefused extends RejectedError {
  override readonly name: string = 'BuildRefused';
  readonly summary: BuildSummary;
  constructor(summary: BuildSummary) {
    const unmet = summary.checks.flatMap(unmetLines);
    super(
      'build-refused',
      `failed to build: ${unmet.length} expectations are not met${unmet.map((line) => `\n  ${line}`).join('')}`,
      {
        hint: 'nothing was written; correct the source, commit, and build again',
      },
    );
    this.summary = summary;
  }
}

export interface BuildStep {
  readonly gate: BuildGate;
  readonly check: string;
}

export interface SeenByBuild<P, O> {
  readonly params: P;
  readonly observation: O;
  readonly capsule?: FailureCapsule | undefined;
}

/** Collects observations in the order in which they are made. */
export class BuildEvidence {
  readonly #rows: BuildCheckRow[] = [];
  readonly #onStep: (step: BuildStep) => void;

  constructor(onStep: (step: BuildStep) => void) {
    this.#onStep = onStep;
  }

  /** Announces a check, makes its observation, and judges it. */
  async observe<P, O>(gate: BuildGate, kind: CheckKind<P, O>, look: () => Promise<SeenByBuild<P, O>>): Promise<O> {
    const id = `${gate.toLowerCase()}.${kind.kind}`;
    this.#onStep({ gate, check: id });
    const { params, observation, capsule } = await look();
    const seen = kind.observation.parse(observation);
    const asked = kind.params.parse(params);
    const { expectations, findings } = kind.judge(asked, seen);
    const status = checkStatus({ came: 'to-its-end', expectations });
    this.#rows.push({
      id,
      gate,
      kind: kind.kind,
      params: asked as Json,
      status,
      expectations,
      findings,
      observation: seen as Json,
      capsule,
    });
    return seen;
  }

  /** Errors: `BuildRefused` unless every check so far passes. */
  requirePass(): void {
    const summary = this.summary();
    if (summary.gates.some(({ status }) => status !== 'PASS')) throw new BuildRefused(summary);
  }

  summary(): BuildSummary {
    const gates = [...new Set(this.#rows.map(({ gate }) => gate))].sort();
    return {
      checks: [...this.#rows],
      gates: gates.map((gate) => ({
        gate,
        status: worst(this.#rows.filter((row) => row.gate === gate).map(({ status }) => status)),
      })),
      findings: this.#rows.flatMap(({ findings }) => findings),
    };
  }

  /** Without capsules: their output has times in it, and two builds of one commit must say the same. */
  record(): BuildRecord {
    const checks = this.#rows.map(({ id, gate, kind, observation }) => ({
      check: id,
      gate,
      kind,
      observation: observation as BuildObservation['observation'],
    }));
    return { schema: 'keyturn.build-record/v1', checks };
  }
}

function unmetLines({ id, expectations }: BuildCheckRow): string[] {
  return expectations
    .filter(({ met }) => !met)
    .map(({ what, expected, actual }) => `${id}: ${what}: expected ${expected}, got ${actual}`);
}
