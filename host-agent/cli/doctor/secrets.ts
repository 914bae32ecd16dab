/** The secrets of this host, by name and size; what is in them is nobody's business here (P7). */
import { existsSync, readdirSync } from 'node:fs';
import { RejectedError } from '../../../shared/errors.ts';
import { NAME_PATTERN } from '../../../shared/release/plan.ts';
import type { Diagnosis } from '../../../shared/service/doctor/examination.ts';
import { diagnosePrivacy } from '../../../shared/service/doctor/private-path.ts';
import { hostFolders } from '../../host/host-config.ts';
import { SecretFolder } from '../../host/secret-folder.ts';
import type { DoctorContext } from './doctor-context.ts';

export function examineSecrets({
  stateDirectory,
  command,
}: Pick<DoctorContext, 'stateDirectory' | 'command'>): Diagnosis[] {
  const path = hostFolders(stateDirectory).secrets;
  if (!existsSync(path)) return [{ level: 'ok', statement: 'none is stored' }];
  const folder = new SecretFolder(path);
  const names = readdirSync(path).sort();
  const diagnoses = names.map((name) => diagnoseSecret(name, { folder, command }));
  return [
    ...diagnosePrivacy(path, { kind: 'folder', whenReadable: 'warning' }),
    ...(names.length === 0 ? [{ level: 'ok', statement: 'none is stored' } as const] : diagnoses),
  ];
}

function diagnoseSecret(
  name: string,
  { folder, command }: { folder: SecretFolder } & Pick<DoctorContext, 'command'>,
): Diagnosis {
  if (!NAME_PATTERN.test(name))
    return { level: 'warning', statement: `${JSON.stringify(name)}: no plan can ask for a secret of that name` };
  try {
    return { level: 'ok', statement: `${name}: ${folder.read(name)?.byteLength ?? 0} bytes` };
  } catch (error) {
    if (!(error instanceof RejectedError)) throw error;
    // Only an open file is mended as it is; the others have to be stored anew.
    return { level: 'trouble', statement: error.message, mend: error.hint ?? command('secret', name) };
  }
}
