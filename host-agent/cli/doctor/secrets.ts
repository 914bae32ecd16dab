/** The secrets of this host, by name and size; what is in them is nobody's business here (P7). */
import { existsSync, readdirSync } from 'node:fs';
import { RejectedError } from '../../../shared/errors.ts';
import { NAME_PATTERN } from '../../../shared/release/plan.ts';
import type { Diagnosis } from '../../../shared/service/doctor/examination.ts';
import { diagnosePrivacy } from '../../../shared/service/doctor/private-path.ts';
import type { SecretSource } from '../../checks/observe.ts';
import { hostFolders } from '../../host/host-config.ts';
import { SecretFolder } from '../../host/secret-folder.ts';
import { ServiceCredentials } from '../../host/service-credentials.ts';
import type { DoctorContext } from './doctor-context.ts';

type SecretsContext = Pick<DoctorContext, 'stateDirectory' | 'command' | 'credentials'>;

export function examineSecrets(context: SecretsContext): Diagnosis[] {
  return [...examineStored(context), ...examineHandedOver(context)];
}

function examineStored({ stateDirectory, command }: SecretsContext): Diagnosis[] {
  const path = hostFolders(stateDirectory).secrets;
  if (!existsSync(path)) return [{ level: 'ok', statement: 'none is stored' }];
  const source = new SecretFolder(path);
  const names = readdirSync(path).sort();
  const diagnoses = names.map((name) => diagnoseSecret(name, { source, mend: command('secret', name) }));
  return [
    ...diagnosePrivacy(path, { kind: 'folder', whenReadable: 'warning' }),
    ...(names.length === 0 ? [{ level: 'ok', statement: 'none is stored' } as const] : diagnoses),
  ];
}

/** A unit may be handed what is no secret of a plan: only names that a plan can say are told. */
function examineHandedOver({ credentials = '' }: SecretsContext): Diagnosis[] {
  if (credentials === '' || !existsSync(credentials)) return [];
  const source = new ServiceCredentials(credentials);
  const names = readdirSync(credentials).sort();
  return names.filter((name) => NAME_PATTERN.test(name)).map((name) => diagnoseHandedOver(name, source));
}

function diagnoseSecret(name: string, { source, mend }: { source: SecretSource; mend: string }): Diagnosis {
  if (!NAME_PATTERN.test(name))
    return { level: 'warning', statement: `${JSON.stringify(name)}: no plan can ask for a secret of that name` };
  // Only an open file is mended as it is; the others have to be stored anew.
  return diagnoseReading(name, { source, mendOf: (error) => ({ mend: error.hint ?? mend }) });
}

/** What is wrong with it is mended in the unit of the agent, by no command of ours. */
function diagnoseHandedOver(name: string, source: SecretSource): Diagnosis {
  return diagnoseReading(name, { source, mendOf: () => ({}) });
}

function diagnoseReading(
  name: string,
  { source, mendOf }: { source: SecretSource; mendOf: (error: RejectedError) => Pick<Diagnosis, 'mend'> },
): Diagnosis {
  try {
    return { level: 'ok', statement: `${name}: ${source.read(name)?.byteLength ?? 0} bytes` };
  } catch (error) {
    if (!(error instanceof RejectedError)) throw error;
    return { level: 'trouble', statement: error.message, ...mendOf(error) };
  }
}
