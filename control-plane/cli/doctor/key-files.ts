/** The private keys on this machine: closed to others, readable, and whether whoever copies one can sign with it. */
import { createPrivateKey } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { messageOf } from '../../../shared/errors.ts';
import type { Diagnosis } from '../../../shared/service/doctor/examination.ts';
import { diagnosePrivacy } from '../../../shared/service/doctor/private-path.ts';
import type { DoctorContext } from './doctor-context.ts';

/** Below the control plane's folder; they are online by design and have no passphrase. */
const ONLINE_KEYS = ['timestamp-key.pem', join('authority', 'ca-key.pem')];

export function examineKeyFiles(context: DoctorContext): Diagnosis[] {
  const { home } = context;
  const folder = join(home.folder, 'keys');
  const roles = existsSync(folder) ? readdirSync(folder).sort() : [];
  const diagnoses = [...roles.flatMap((role) => roleDiagnoses(role, context)), ...onlineDiagnoses(home.controlPlane)];
  return diagnoses.length > 0 ? diagnoses : [{ level: 'ok', statement: 'there is no private key on this machine' }];
}

function roleDiagnoses(role: string, context: DoctorContext): Diagnosis[] {
  const files = pemFiles(join(context.home.folder, 'keys', role));
  if (files.length === 0) return [];
  const faults = files.flatMap(fileFaults);
  const open = files.filter((file) => stateOf(file) === 'open');
  if (faults.length > 0) return faults;
  if (open.length === 0) return [{ level: 'ok', statement: `${role}: ${counted(files)}, encrypted` }];
  return [
    {
      level: 'warning',
      statement: `${role}: ${counted(open)} not encrypted, whoever copies ${open.length === 1 ? 'it' : 'them'} can sign: ${open.map((file) => basename(file)).join(', ')}`,
      ...mendOf(role, context),
    },
  ];
}

function onlineDiagnoses(controlPlane: string): Diagnosis[] {
  const files = ONLINE_KEYS.map((name) => join(controlPlane, name)).filter((path) => existsSync(path));
  const faults = files.flatMap(fileFaults);
  if (files.length === 0 || faults.length > 0) return faults;
  return [{ level: 'ok', statement: `control plane: ${counted(files)}, online by design` }];
}

function fileFaults(path: string): Diagnosis[] {
  const faults = diagnosePrivacy(path, { kind: 'file', whenReadable: 'trouble' });
  const state = stateOf(path);
  if (state === 'open' || state === 'encrypted') return faults;
  return [...faults, { level: 'trouble', statement: `${path}: no key can be read: ${state.reason}` }];
}

/** Without a passphrase only the outside of an encrypted key can be looked at. */
function stateOf(path: string): 'encrypted' | 'open' | { readonly reason: string } {
  try {
    const pem = readFileSync(path, 'utf8');
    if (pem.startsWith('-----BEGIN ENCRYPTED PRIVATE KEY-----')) return 'encrypted';
    createPrivateKey(pem);
    return 'open';
  } catch (error) {
    return { reason: messageOf(error) };
  }
}

/** Encrypting a key that others may have copied mends nothing: new keys do. */
function mendOf(role: string, { command }: DoctorContext): Pick<Diagnosis, 'mend'> {
  if (role === 'root' || role === 'targets' || role === 'snapshot') return { mend: command('trust', 'rotate', role) };
  const app = /^release-(.+)$/.exec(role)?.[1];
  return app === undefined ? {} : { mend: command('trust', 'add-releaser', app) };
}

function pemFiles(folder: string): string[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.pem'))
    .sort()
    .map((file) => join(folder, file));
}

function counted(files: readonly string[]): string {
  return `${files.length} key${files.length === 1 ? '' : 's'}`;
}
