import { type RollbackDefinedObservation, rollbackCommand } from '../../../shared/ledger/kinds/rollback-defined.ts';
import { type Observe, observed } from '../observe.ts';

export const observeRollbackDefined: Observe = async ({ places }) =>
  observed({
    root: places.installRoot,
    path: places.installPath,
    command: rollbackCommand(places.installPath),
  } satisfies RollbackDefinedObservation);
