/** `keyturn operator issue`: on the machine of the control plane, from its folder, whether it runs or not. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { RejectedError } from '../../../shared/errors.ts';
import { isRole, OPERATOR_PATTERN, ROLES, type Role } from '../../../shared/rpc/peer-identity.ts';
import { instantText } from '../../../shared/service/doctor/remaining-life.ts';
import { UsageError } from '../../../shared/service/failure.ts';
import { issueOperator } from '../../service.ts';
import { parseAddress } from '../address.ts';
import { Home, saveOperatorFile } from '../home.ts';
import { outputOf } from '../output.ts';
import { assertOutputFile } from '../output-file.ts';

const DAY_MS = 24 * 3600 * 1000;

interface IssueOptions {
  readonly home: string;
  readonly role: string;
  readonly folder?: string;
  readonly address?: string;
  readonly days?: number;
  readonly out?: string;
}

export async function issueOperatorFile(name: string, command: Command): Promise<void> {
  const options = command.optsWithGlobals() as IssueOptions;
  const { role, days, out } = options;
  if (!OPERATOR_PATTERN.test(name))
    throw new UsageError(
      `operator "${name}": expected letters in lower case, digits, dots, hyphens and underscores, at most 63`,
    );
  if (!isRole(role)) throw new UsageError(`role "${role}": expected ${ROLES.join(', ')}`);
  const home = new Home(options.home);
  const folder = resolve(options.folder ?? home.controlPlane);
  const path = resolve(out ?? `${name}.json`);
  assertControlPlane(folder);
  assertOutputFile(path, 'operator file');
  const address = addressOf(home, options.address);
  const issued = await issueOperator(folder, { name, role, ...(days && { lifetimeMs: days * DAY_MS }) });
  const { certificate, privateKey, caCertificate, serial } = issued;
  saveOperatorFile(path, { address, certificate, privateKey, caCertificate });
  const expiresAt = new Date(issued.expiresAt).toISOString();
  outputOf(command).result({ name, role, serial, expiresAt, address, file: path }, () => [
    `${path}  (a secret: the private key is in it)`,
    `  ${name} may dial ${address} as ${role} until ${instantText(issued.expiresAt)}; serial ${serial}`,
    `next, where ${name} works: put it into the home as operators/${role}.json, mode 0600`,
  ]);
}

/** What is missing is said before a key is made; opening the store would make one. */
function assertControlPlane(folder: string): void {
  if (existsSync(join(folder, 'authority', 'ca.pem'))) return;
  throw new RejectedError(
    'authority-missing',
    `failed to issue a certificate from "${folder}": there is no authority in it`,
    { hint: 'run this where the control plane is, and name its folder with --folder' },
  );
}

/** As the others of this home dial it, where there are any. */
function addressOf(home: Home, given: string | undefined): string {
  if (given !== undefined) {
    parseAddress(given, '--address');
    return given;
  }
  const known = ROLES.find((role: Role) => home.hasOperator(role));
  if (known !== undefined) return home.loadOperator(known).address;
  throw new UsageError(
    'operator issue needs --address',
    'say where operators find the control plane: --address HOST:7443',
  );
}
