/** A world whose one release stops at a turnstile in G5, and the end that a deployment of it has when nobody disturbs it. */
import { FORBIDDEN_ACTIONS } from '../../shared/trust/policy.ts';
import { World } from './world.ts';
import { isStoredAsSigned } from './world-driven.ts';
import type { WorldHost } from './world-host.ts';
import { differingLines, namesInRoot, neighbourLines, outcomeOf, type RunOutcome } from './world-outcome.ts';
import { APP, type BuiltSample, buildSample, NEIGHBOUR_NAME, PROVING_GATES, type SampleSpec } from './world-release.ts';
import { Turnstile } from './world-turnstile.ts';

export const VERSION = '1.0.0';
export const INSTALLATION = `${APP}-${VERSION}`;

/** What a run has come to, on the host and in the control plane. */
export interface CheckedEnd {
  readonly outcome: Omit<RunOutcome, 'findings'>;
  /** Codes, sorted. */
  readonly findings: readonly string[];
  readonly neighbours: readonly string[];
  readonly names: readonly string[];
  readonly isStoredAsSigned: boolean;
}

export class CheckedWorld implements AsyncDisposable {
  readonly world: World;
  readonly turnstile: Turnstile;
  readonly #sample: BuiltSample;
  #reference: CheckedEnd | undefined;

  private constructor(parts: { world: World; turnstile: Turnstile; sample: BuiltSample }) {
    this.world = parts.world;
    this.turnstile = parts.turnstile;
    this.#sample = parts.sample;
  }

  /** The release is pushed, and one host has gone undisturbed to its end. */
  static async start(files: SampleSpec['files'] = {}): Promise<CheckedWorld> {
    const turnstile = await Turnstile.open();
    const check = { exec: { id: 'turnstile', argv: turnstile.argv, network: true } };
    const gates = { ...PROVING_GATES, G5: [...PROVING_GATES.G5, check] };
    const sample = await buildSample({ version: VERSION, gates, files });
    const world = await World.start({ forbidden: FORBIDDEN_ACTIONS.filter((action) => action !== 'network') });
    await world.push(sample);
    const checked = new CheckedWorld({ world, turnstile, sample });
    const host = await world.host('undisturbed');
    const run = await world.deploy(host, VERSION);
    await host.startAgent();
    checked.#reference = await checked.endOf(host, run);
    await host.stopAgent();
    return checked;
  }

  get reference(): CheckedEnd {
    if (this.#reference === undefined) throw new Error('no host has gone undisturbed yet');
    return this.#reference;
  }

  /** Where the settled run ended otherwise than undisturbed; `findings` are the codes that it has besides. */
  async differencesFromReference(host: WorldHost, run: string, findings: readonly string[] = []): Promise<string[]> {
    const expected = { ...this.reference, findings: [...this.reference.findings, ...findings].sort() };
    return differingLines(await this.endOf(host, run), expected);
  }

  /** Waits for the run to be settled. */
  async endOf(host: WorldHost, run: string): Promise<CheckedEnd> {
    await this.world.whenSettled(host, run);
    const { findings, ...outcome } = outcomeOf(host, run);
    return {
      outcome,
      findings: (findings as { code: string }[]).map(({ code }) => code).sort(),
      neighbours: neighbourLines(host, INSTALLATION),
      names: namesInRoot(host).filter((name) => name !== NEIGHBOUR_NAME),
      isStoredAsSigned: await isStoredAsSigned(this.world.plane.store, host, run),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.world[Symbol.asyncDispose]();
    this.#sample[Symbol.dispose]();
    await this.turnstile[Symbol.asyncDispose]();
  }
}
