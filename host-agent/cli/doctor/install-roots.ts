/** Where releases may be installed: there, ours to write to, closed to all others, with room. */
import { accessSync, constants } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCodeOf } from '../../../shared/errors.ts';
import type { Diagnosis } from '../../../shared/service/doctor/examination.ts';
import { diagnoseFreeSpace, readFreeSpace } from '../../../shared/service/doctor/free-space.ts';
import { commandLine } from '../../../shared/service/doctor/shell-word.ts';
import { isPrivateFolder } from '../../../shared/store/private-folder.ts';
import { KEYTURN_FOLDER } from '../../install/places.ts';
import type { EnrolledContext } from './doctor-context.ts';

const EVERYBODY_WRITES = 0o002;

export async function examineInstallRoots({ config }: Pick<EnrolledContext, 'config'>): Promise<Diagnosis[]> {
  const prefix = config.rootPrefix === '' ? '/' : config.rootPrefix;
  const diagnoses = await Promise.all(config.installRoots.map((root) => examineRoot(join(prefix, root))));
  return diagnoses.flat();
}

async function examineRoot(root: string): Promise<Diagnosis[]> {
  const facts = await statOf(root);
  if (facts === undefined) {
    return [
      { level: 'trouble', statement: `${root}: there is no such folder`, mend: commandLine(['mkdir', '-p', root]) },
    ];
  }
  if (!facts.isDirectory()) return [{ level: 'trouble', statement: `${root}: expected a folder` }];
  const faults = [...modeFaults(root, facts.mode), ...writeFaults(root), ...(await ownFolderFaults(root, facts.dev))];
  return [...faults, diagnoseFreeSpace(root, await readFreeSpace(root))];
}

/** Whoever can write beside a release can rename it. */
function modeFaults(root: string, mode: number): Diagnosis[] {
  if ((mode & EVERYBODY_WRITES) === 0) return [];
  const statement = `${root}: everybody may write to it, its mode is 0${(mode & 0o7777).toString(8)}`;
  return [{ level: 'trouble', statement, mend: commandLine(['chmod', 'o-w', root]) }];
}

function writeFaults(root: string): Diagnosis[] {
  try {
    accessSync(root, constants.W_OK | constants.X_OK);
    return [];
  } catch (error) {
    return [{ level: 'trouble', statement: `${root}: the agent cannot write to it (${systemCodeOf(error)})` }];
  }
}

/** A release is put together in there and then renamed into the root, which no file system does across its border. */
async function ownFolderFaults(root: string, dev: number): Promise<Diagnosis[]> {
  const own = join(root, KEYTURN_FOLDER);
  const facts = await statOf(own);
  if (facts === undefined) return [];
  if (facts.dev !== dev) return [{ level: 'trouble', statement: `${own}: expected the file system of ${root}` }];
  if (isPrivateFolder(own)) return [];
  return [
    { level: 'trouble', statement: `${own}: expected a folder of the agent's own with mode 0700; look at it first` },
  ];
}

async function statOf(path: string) {
  try {
    return await stat(path);
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
