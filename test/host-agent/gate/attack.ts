/** One way in of the attack table, tried on a keeper with a real journal. */
import { RejectedError } from '../../../shared/errors.ts';
import type { HostFacts } from '../../../shared/orders/admit.ts';
import { ADMISSION_ATTACKS } from '../../shared/orders/admission-attacks.ts';
import { EPOCH, LOG, MINUTE_MS, NOW_MS, orderOf, TestLog } from '../../support/enable-world.ts';
import { APP, GateWorld, groundOf } from './gate-world.ts';

export interface AttackOutcome {
  /** The code of the refusal; undefined when there was none. */
  readonly refusal: string | undefined;
  /** Whether the gate was open, at once or after a restart, or somebody got a permit. */
  readonly isOpened: boolean;
  /** Whether the journal is, row by row, what it was. */
  readonly isUnchanged: boolean;
}

/** Rows of the table that must not open a gate, with the code that answers each. */
export const GATE_ATTACKS: ReadonlyMap<string, string> = new Map(
  Object.entries(ADMISSION_ATTACKS).flatMap(([what, [code]]) => (code === 'nothing was refused' ? [] : [[what, code]])),
);

export function attackGate(what: string): AttackOutcome {
  const world = new GateWorld();
  try {
    const attempt = ADMISSION_ATTACKS[what]?.[1]();
    if (!attempt) throw new Error(`there is no attack "${what}"`);
    const { offer, facts = {} } = attempt;
    prepare(world, facts);
    const before = JSON.stringify(world.onDisk());
    const refusal = codeOf(() => world.enable(offer, { ground: groundOf(facts) }));
    const isUnchanged = JSON.stringify(world.onDisk()) === before;
    const isOpenAtOnce = isOpen(world);
    world.restart();
    return { refusal, isUnchanged, isOpened: isOpenAtOnce || isOpen(world) };
  } finally {
    world.remove();
  }
}

/** Brings the gate to an epoch, as that many kills do. */
export function raiseTo(world: GateWorld, epoch: number): void {
  for (let kills = 0; kills < epoch; kills += 1) world.keeper.kill(APP, { reason: `kill ${kills + 1}` });
}

/** Puts the journal where the attempt assumes that it is, of what the keeper itself keeps. */
function prepare(world: GateWorld, facts: Partial<HostFacts>): void {
  raiseTo(world, facts.epoch ?? EPOCH);
  const state = world.store.read(APP);
  if (state.state === 'unknown') throw new Error(state.reason);
  const checkpoint = facts.seen ? facts.seen(LOG.name) : new TestLog().checkpoint();
  world.store.save(APP, state, { checkpoint, nonce: facts.isUsed?.(orderOf().nonce) ? orderOf().nonce : undefined });
  world.nowMs = facts.nowMs ?? NOW_MS;
  if (facts.isClockBehind) world.store.save(APP, { ...state, seenMs: world.nowMs + MINUTE_MS });
}

function isOpen(world: GateWorld): boolean {
  return world.keeper.view(APP).state === 'open' || codeOf(() => world.keeper.permitFor(APP, 'live')) === undefined;
}

function codeOf(act: () => unknown): string | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    if (error instanceof RejectedError) return error.code;
    throw error;
  }
}
