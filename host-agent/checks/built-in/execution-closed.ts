import { z } from 'zod';
import type { ExecutionClosedObservation } from '../../../shared/ledger/kinds/execution-closed.ts';
import { cutEnd } from '../cut-text.ts';
import { type Observe, observed } from '../observe.ts';
import { loadFact } from './check-facts.ts';

/** As the run saves it from the gate's durable state, just before each check. */
const gateSchema = z.object({ state: z.string().max(64), reason: z.string() });

export const observeExecutionClosed: Observe = async ({ facts, release }) => {
  const { state, reason } = loadFact(facts, { name: 'execution-gate', schema: gateSchema });
  return observed({
    app: release.statement.app,
    gate: state,
    reason: cutEnd(reason, 1024),
  } satisfies ExecutionClosedObservation);
};
