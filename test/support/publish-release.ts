import type { ControlPlaneWorld } from './control-plane-world.ts';
import type { TestRelease, TrustCeremony } from './trust-ceremony.ts';
import { parcelsOf, wholeBlob } from './upload-parcels.ts';

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
  await releaser.uploadBlobs(parcelsOf([...blobs.values()].map(wholeBlob)));
}
