/**
 * What the owner of a host decides: `agent.json` in the agent's state folder, written at enrolment. Nothing that comes
 * over the wire changes it; labels used by policy stand here, so nobody can relabel a host from outside (P2).
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { RejectedError, systemCodeOf, TransientError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import { HOST_PATTERN } from '../../shared/rpc/peer-identity.ts';
import { makeDirectory, writeFileAtomic } from '../../shared/store/atomic-file.ts';

/** What `agent.json` holds: these members, all of them, and no other. */
export interface HostConfig {
  readonly schema: 'keyturn.agent/v1';
  readonly host: string;
  /** `name:port` of the control plane's gateway. */
  readonly gateway: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Where releases may be installed; a plan that names another root is refused. */
  readonly installRoots: readonly string[];
  /** Put before every install root; '' on a real host, a folder in a rehearsal. */
  readonly rootPrefix: string;
}

interface Member {
  readonly expected: string;
  holds(value: unknown): boolean;
}

const LABEL_LENGTH = 128;
const INSTALL_ROOT_COUNT = 64;
const GATEWAY_PATTERN = /^[^\s:]+:\d{1,5}$|^\[[0-9a-f:]+\]:\d{1,5}$/;

/** Not a schema of a library: an agent that waits has read this and nothing else that would need one. */
const MEMBERS: { readonly [M in keyof HostConfig]: Member } = {
  schema: { expected: '"keyturn.agent/v1"', holds: (value) => value === 'keyturn.agent/v1' },
  host: { expected: 'a DNS name in lower case', holds: (value) => isText(value) && HOST_PATTERN.test(value) },
  gateway: { expected: 'HOST:PORT', holds: (value) => isText(value) && GATEWAY_PATTERN.test(value) },
  labels: {
    expected: `texts of up to ${LABEL_LENGTH} characters by name`,
    holds: (value) => isRecord(value) && Object.entries(value).flat().every(isLabelText),
  },
  installRoots: {
    expected: `1 to ${INSTALL_ROOT_COUNT} absolute paths without a trailing slash, "." or ".."`,
    holds: (value) => Array.isArray(value) && isInstallRootCount(value.length) && value.every(isAbsolutePath),
  },
  rootPrefix: { expected: 'an absolute path, or ""', holds: (value) => value === '' || isAbsolutePath(value) },
};

export const AGENT_VERSION = '0.1.0';

/** Folders of the agent's own, below its state folder. */
export function hostFolders(stateDirectory: string): {
  secrets: string;
  blobs: string;
  identity: string;
  /**
   * What other programs of the host may see: `gate.json` and `gate.sock`. The folder that systemd makes for the unit
   * (`RuntimeDirectory=`), or one in the state folder, where nobody but root and live processes reach it.
   */
  runtime: string;
} {
  return {
    secrets: join(stateDirectory, 'secrets'),
    blobs: join(stateDirectory, 'blobs'),
    identity: join(stateDirectory, 'identity'),
    runtime: runtimeDirectory() ?? join(stateDirectory, 'run'),
  };
}

/** The first, where the unit has several. */
function runtimeDirectory(): string | undefined {
  const [first = ''] = (process.env.RUNTIME_DIRECTORY ?? '').split(':');
  return first === '' ? undefined : first;
}

/** Errors: `RejectedError('agent-config-malformed')`. */
export function checkHostConfig(value: unknown): HostConfig {
  return configOf(value, 'configure this host');
}

/** Errors: as `checkHostConfig`; `TransientError`. */
export function saveHostConfig(stateDirectory: string, config: HostConfig): void {
  const text = `${JSON.stringify(checkHostConfig(config), null, 2)}\n`;
  makeDirectory(stateDirectory, { mode: 0o700 });
  writeFileAtomic(join(stateDirectory, 'agent.json'), text, { mode: 0o600 });
}

/** Errors: `RejectedError` with `not-enrolled` (there is none) or `agent-config-malformed`. */
export function loadHostConfig(stateDirectory: string): HostConfig {
  const path = join(stateDirectory, 'agent.json');
  return configOf(parseJson(readConfig(path)), `read "${path}"`);
}

/** Names every fault, not the first one alone. */
function configOf(value: unknown, action: string): HostConfig {
  const faults = isRecord(value) ? faultsOf(value) : ['expected an object'];
  if (faults.length === 0) return value as HostConfig;
  throw new RejectedError('agent-config-malformed', `failed to ${action}: ${faults.join('; ')}`);
}

function faultsOf(config: Readonly<Record<string, unknown>>): string[] {
  const unknown = Object.keys(config).filter((name) => !Object.hasOwn(MEMBERS, name));
  const wrong = Object.entries(MEMBERS).filter(([name, member]) => !member.holds(config[name]));
  return [
    ...unknown.map((name) => `"${name}" is not known`),
    ...wrong.map(([name, { expected }]) => `"${name}": expected ${expected}, got ${JSON.stringify(config[name])}`),
  ];
}

function readConfig(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    if (systemCodeOf(cause) !== 'ENOENT') throw new TransientError(`failed to read "${path}"`, { cause });
    throw new RejectedError('not-enrolled', `failed to read "${path}": there is no such file`, {
      cause,
      hint: 'enrol this host with `keyturn-agent enrol BUNDLE`',
    });
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // refused like everything else that is no object
  }
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isLabelText(value: unknown): boolean {
  return isText(value) && value.length <= LABEL_LENGTH;
}

function isInstallRootCount(count: number): boolean {
  return count >= 1 && count <= INSTALL_ROOT_COUNT;
}

/** As `absolutePathSchema` of plans has it. */
function isAbsolutePath(value: unknown): boolean {
  if (!isText(value) || value.length > LIMITS.pathBytes || !/^(\/[^/\0]+)+$/.test(value)) return false;
  return !value.split('/').some((segment) => segment === '..' || segment === '.');
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
