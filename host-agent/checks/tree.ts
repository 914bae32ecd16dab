import { treeKind } from '../../shared/ledger/kinds/tree.ts';
import { hashTree } from '../../shared/store/tree-reader.ts';
import { paramsOf } from './check-params.ts';
import { type CheckContext, type CheckOutcome, observed } from './observe.ts';
import { lookIntoTree } from './tree-entry.ts';

/** Sees the tree digest of a folder in the installed tree, or beside it in the install root. */
export async function observeTree({ check, places, signal }: CheckContext): Promise<CheckOutcome> {
  const { path, from } = paramsOf(treeKind, check);
  const top = from === 'tree' ? places.installPath : places.installRoot;
  const is = await lookIntoTree(top, path, async (entry) => entry.is);
  if (is !== 'folder') return observed({ path, from, is, entryCount: 0 });
  const { digest, entryCount } = await hashTree(`${top}/${path}`, { signal });
  return observed({ path, from, is, treeDigest: digest, entryCount });
}
