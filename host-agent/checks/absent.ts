import { TransientError } from '../../shared/errors.ts';
import { absentKind } from '../../shared/ledger/kinds/absent.ts';
import { paramsOf } from './check-params.ts';
import { type CheckContext, type CheckOutcome, observed } from './observe.ts';
import { lookIntoTree, occupantOf } from './tree-entry.ts';

/** Sees what stands at a path of the installed tree, or at an absolute path of the host. */
export async function observeAbsent({ check, places }: CheckContext): Promise<CheckOutcome> {
  const { path } = paramsOf(absentKind, check);
  const is = path.startsWith('/')
    ? await occupantOnHost(`${places.rootPrefix}${path}`)
    : await lookIntoTree(places.installPath, path, async (entry) => entry.is);
  return observed({ path, is });
}

async function occupantOnHost(path: string) {
  try {
    return await occupantOf(path);
  } catch (cause) {
    throw new TransientError(`cannot look at "${path}"`, { cause });
  }
}
