/** What the demo ships: the sample payload in a repository made for it, or a repository of the user's own. */
import { join, resolve } from 'node:path';
import { listCommit } from '../../control-plane/build/commit-tree.ts';
import { readConfig } from '../../control-plane/build/read-config.ts';
import { openSourceCommit } from '../../control-plane/build/repository.ts';
import { planKinds } from '../../shared/ledger/kinds/registry.ts';
import { parseKeyturnYaml } from '../../shared/release/keyturn-yaml.ts';
import { secretsToHave } from '../../shared/release/secrets-to-have.ts';
import { ScratchFolder } from '../../shared/store/scratch-folder.ts';
import type { DemoOptions } from './demo-options.ts';
import { makePayloadRepository } from './payload-repository.ts';
import { sqliteConfig } from './sqlite-config.ts';

export interface Project {
  readonly repository: string;
  readonly ref: string;
  readonly config: string | undefined;
  readonly app: string;
  readonly installRoot: string;
  readonly preserve: readonly string[];
  readonly secrets: readonly string[];
  readonly isSample: boolean;
}

/**
 * Reads of a project what a host and a ceremony must know beforehand. It is refused in the words in which `keyturn release
 * build` would refuse it. Errors: those of `openSourceCommit`, `listCommit`, `readConfig` and `parseKeyturnYaml`.
 */
export async function openProject(
  { repository, ref, config, isSqlite }: DemoOptions,
  folder: string,
): Promise<Project> {
  const path = repository === undefined ? join(folder, 'repository') : resolve(repository);
  if (repository === undefined) makePayloadRepository(path, isSqlite ? sqliteConfig : undefined);
  const outside = config === undefined ? undefined : resolve(config);
  const plan = parseKeyturnYaml(await configText(path, { ref, outside }), {
    version: '0.0.0',
    kinds: planKinds,
  });
  return {
    repository: path,
    ref,
    config: outside,
    app: plan.app,
    installRoot: plan.install.root,
    preserve: plan.install.preserve,
    // A dry run of somebody else's would fail on a placeholder; without its data source it leaves a sub-gap.
    secrets: repository === undefined ? plan.secrets : secretsToHave(plan),
    isSample: repository === undefined,
  };
}

async function configText(
  repository: string,
  { ref, outside }: { ref: string; outside: string | undefined },
): Promise<string> {
  const scratch = new ScratchFolder('keyturn-demo-project');
  try {
    const { objects, commit } = await openSourceCommit({ repository, ref, scratch, isOwnOutput: () => false });
    return (await readConfig(objects, await listCommit(objects, commit), outside)).text;
  } finally {
    scratch.remove();
  }
}
