import type { ControlPlaneWorld } from './control-plane-world.ts';
import type { TestRelease, TrustCeremony } from './trust-ceremony.ts';

/** Publishes a trust root and these releases, one after the other, as a releaser does. */
export async function publishRelease(
  world: ControlPlaneWorld,
  releases: readonly TestRelease[],
): Promise<TrustCeremony> {
  const ceremony = world.ceremony();
  const releaser = await world.operator('releaser');
  await releaser.publish(ceremony.firstPublication());
  for (const release of releases) {
    await uploadBlobs(world, release);
    await releaser.publish(ceremony.releasePublication(release));
  }
  return ceremony;
}

export async function uploadBlobs(world: ControlPlaneWorld, { blobs }: TestRelease): Promise<void> {
  const releaser = await world.operator('releaser');
  for (const [sha256, data] of blobs)
    await releaser.uploadBlob(onePiece({ sha256, size: data.length, offset: 0, data }));
}

async function* onePiece<T>(piece: T): AsyncGenerator<T> {
  yield piece;
}
