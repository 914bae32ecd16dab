/** A home whose ceremony lies back: some of what was signed then has run out since, and the control plane still publishes it. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FIRST_PUBLICATION } from '../../control-plane/cli/home.ts';
import { startControlPlane } from '../../control-plane/service.ts';
import { FakeClock } from '../../shared/time/fake-clock.ts';
import { fileNameOf, POLICY_PATH, releaseRoleOf, versionOf } from '../../shared/trust/tuf-metadata.ts';
import { createSnapshot } from '../../shared/trust/tuf-repository.ts';
import { checkMetadata } from '../../shared/trust/tuf-rules.ts';
import { signMetadata } from '../../shared/trust/tuf-signing.ts';
import { APP, CommandWorld } from './command-line.ts';

export const DAY_MS = 24 * 3600 * 1000;
/** When it was published, in days from now; nothing had run out by then. */
export const PAST_DAYS = -300;

export const OFFLINE_ROLES = ['root', 'targets', 'snapshot', releaseRoleOf(APP)] as const;
export type OfflineRole = (typeof OFFLINE_ROLES)[number];

/** With a control plane that runs today. `expired` ended two days ago, everything else in sixty-five days. */
export async function worldOfThePast(expired: readonly OfflineRole[]): Promise<CommandWorld> {
  const world = await CommandWorld.held();
  const endOf = (role: OfflineRole) => inDays(expired.includes(role) ? -2 : 65);
  const signedAnew = (role: OfflineRole): [OfflineRole, Buffer] => {
    const { signed } = checkMetadata(role as string, readFileSync(publicationPath(world, fileNameOf(role))));
    const expires = `${endOf(role).toISOString().slice(0, 19)}Z`;
    return [role, signMetadata(role, { ...signed, expires }, world.home.loadKeys(role, undefined))];
  };
  const listed = (['targets', releaseRoleOf(APP)] as const).map(signedAnew);
  const [, root] = signedAnew('root');
  const snapshot = createSnapshot(undefined, new Map(listed), {
    expiresAt: endOf('snapshot'),
    signers: world.home.loadKeys('snapshot', undefined),
  });
  for (const [role, bytes] of [['root', root], ['snapshot', snapshot], ...listed] as const)
    writeFileSync(publicationPath(world, fileNameOf(role)), bytes);
  world.home.saveTrust(new Map([[fileNameOf('root'), root]]));
  await publishInThePast(world);
  await world.start();
  return world;
}

export function inDays(days: number): Date {
  return new Date(Date.now() + days * DAY_MS);
}

async function publishInThePast(world: CommandWorld): Promise<void> {
  const anyPort = { host: '127.0.0.1', port: 0 };
  const plane = await startControlPlane({
    folder: world.home.controlPlane,
    listen: { gateway: anyPort, join: anyPort },
    clock: new FakeClock(inDays(PAST_DAYS).getTime()),
  });
  const files = readdirSync(publicationPath(world)).map(
    (name) => [name, readFileSync(publicationPath(world, name))] as const,
  );
  await plane.publish({
    metadata: files
      .filter(([name]) => name !== POLICY_PATH)
      .map(([name, content]) => ({ name: `${versionOf(content)}.${name}`, content })),
    targets: files.filter(([name]) => name === POLICY_PATH).map(([name, content]) => ({ name, content })),
  });
  await plane.stop();
}

function publicationPath(world: CommandWorld, ...names: string[]): string {
  return join(world.home.controlPlane, FIRST_PUBLICATION, ...names);
}
