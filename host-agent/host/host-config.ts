/**
 * What the owner of a host decides: `agent.json` in the agent's state folder, written at enrolment. Nothing that comes
 * over the wire changes it; labels used by policy stand here, so nobody can relabel a host from outside (P2).
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { RejectedError, systemCodeOf, TransientError } from '../../shared/errors.ts';
import { absolutePathSchema } from '../../shared/release/plan.ts';
import { HOST_PATTERN } from '../../shared/rpc/peer-identity.ts';
import { makeDirectory, writeFileAtomic } from '../../shared/store/atomic-file.ts';

const schema = z.strictObject({
  schema: z.literal('keyturn.agent/v1'),
  host: z.string().regex(HOST_PATTERN),
  /** `name:port` of the control plane's gateway. */
  gateway: z.string().regex(/^[^\s:]+:\d{1,5}$|^\[[0-9a-f:]+\]:\d{1,5}$/),
  labels: z.record(z.string().max(128), z.string().max(128)),
  /** Where releases may be installed; a plan that names another root is refused. */
  installRoots: z.array(absolutePathSchema).min(1).max(64),
  /** Put before every install root; '' on a real host, a folder in a rehearsal. */
  rootPrefix: z.union([z.literal(''), absolutePathSchema]),
});

export type HostConfig = z.infer<typeof schema>;

export const AGENT_VERSION = '0.1.0';

/** Folders of the agent's own, below its state folder. */
export function hostFolders(stateDirectory: string): { secrets: string; blobs: string; identity: string } {
  return {
    secrets: join(stateDirectory, 'secrets'),
    blobs: join(stateDirectory, 'blobs'),
    identity: join(stateDirectory, 'identity'),
  };
}

/** Errors: `RejectedError('agent-config-malformed')`. */
export function checkHostConfig(value: unknown): HostConfig {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new RejectedError('agent-config-malformed', `failed to configure this host: ${z.prettifyError(parsed.error)}`);
}

export function saveHostConfig(stateDirectory: string, config: HostConfig): void {
  makeDirectory(stateDirectory, { mode: 0o700 });
  writeFileAtomic(join(stateDirectory, 'agent.json'), `${JSON.stringify(schema.parse(config), null, 2)}\n`, {
    mode: 0o600,
  });
}

/** Errors: `RejectedError` with `not-enrolled` (there is none) or `agent-config-malformed`. */
export function loadHostConfig(stateDirectory: string): HostConfig {
  const path = join(stateDirectory, 'agent.json');
  const parsed = schema.safeParse(parseJson(readConfig(path)));
  if (parsed.success) return parsed.data;
  throw new RejectedError('agent-config-malformed', `failed to read "${path}": ${z.prettifyError(parsed.error)}`);
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
    return undefined; // the schema refuses it, and says that it is no object
  }
}
