/**
 * `DEPLOY-MANIFEST.txt` in an installation: for people, for `sha256sum -c`, and for the agent to know its own work
 * again after a crash. It is no proof of anything: the tree digest leaves it out, and nothing is trusted for its sake.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import type { Sha256 } from '../../shared/digest.ts';
import { LIMITS } from '../../shared/limits.ts';
import { DEPLOY_MANIFEST_NAME } from '../../shared/release/path-rules.ts';
import type { InstallContext } from './install-context.ts';

/** What is left out of the tree digest of an installation, by rule. */
export const LEFT_OUT: readonly string[] = [DEPLOY_MANIFEST_NAME];

const HEAD_BYTES = 4096;

/** Lines of `# name: value`, then `<sha256>  <path>` for each file, and links as comments. */
export function deployManifestText(context: InstallContext): string {
  const { statement } = context.release;
  const head = {
    release: `${statement.app} ${statement.version}`,
    commit: statement.commit,
    'tree digest': statement.treeDigest,
    'manifest digest': context.manifestDigest,
    'plan digest': statement.plan.sha256,
    run: context.run,
    host: context.host,
    date: context.now(),
  };
  const lines = context.manifest.entries.map((entry) =>
    entry.kind === 'file' ? `${entry.sha256}  ${entry.path}` : `# link: ${entry.path} -> ${entry.target}`,
  );
  return [...Object.entries(head).map(([name, value]) => `# ${name}: ${value}`), ...lines, ''].join('\n');
}

/** The run that says it made the installation, and the tree digest it names; undefined when there is no such file. */
export function deployedBy(installation: string): { run: string; treeDigest: Sha256 } | undefined {
  const head = textOf(join(installation, DEPLOY_MANIFEST_NAME), HEAD_BYTES);
  const run = /^# run: (.+)$/m.exec(head ?? '')?.[1];
  const treeDigest = /^# tree digest: ([0-9a-f]{64})$/m.exec(head ?? '')?.[1];
  return run !== undefined && treeDigest !== undefined ? { run, treeDigest } : undefined;
}

/** Digests by path, as the list says; undefined when there is no such list. Whether they are true is for the reader to see. */
export function deployedFiles(installation: string): ReadonlyMap<string, Sha256> | undefined {
  const text = textOf(join(installation, DEPLOY_MANIFEST_NAME), LIMITS.manifestBytes);
  if (text === undefined) return undefined;
  const files = new Map<string, Sha256>();
  for (const [, sha256 = '', path = ''] of text.matchAll(/^([0-9a-f]{64}) {2}(.+)$/gm)) files.set(path, sha256);
  return files;
}

/** The first `most` bytes of a plain file, or less when it ends before. */
function textOf(path: string, most: number): string | undefined {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    return undefined; // absent, a link, or closed to the agent: not a file that the agent wrote
  }
  try {
    const text = Buffer.alloc(Math.min(most, fstatSync(file).size));
    return text.toString('utf8', 0, readSync(file, text, 0, text.length, 0));
  } catch {
    return undefined; // a folder of that name opens, but cannot be read
  } finally {
    closeSync(file);
  }
}
