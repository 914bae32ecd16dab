/** A run as its steps and checks see it: what was verified at its admission, and where it stands on this host. */
import type { SignedRelease } from '../../shared/ledger/planned-checks.ts';
import type { BuildRecord } from '../../shared/release/build-record.ts';
import type { Manifest } from '../../shared/release/manifest.ts';
import type { Policy } from '../../shared/trust/policy.ts';
import type { RunFacts, RunPlaces } from '../checks/observe.ts';
import { placesOf } from '../install/places.ts';
import { releaseOfMaterials } from './admit-release.ts';
import type { RunStore } from './run-store.ts';

export interface OpenedRun {
  readonly run: string;
  readonly release: SignedRelease;
  readonly manifest: Manifest;
  readonly buildRecord: BuildRecord;
  readonly policy: Policy;
  readonly places: RunPlaces;
  readonly facts: RunFacts;
}

export function openRun(
  run: string,
  { store, rootPrefix, hidden }: { store: RunStore; rootPrefix: string; hidden: readonly string[] },
): OpenedRun {
  const { release, manifest, buildRecord, policy } = releaseOfMaterials(store.materials(run));
  const places = placesOf({ rootPrefix, release, run, hidden });
  return { run, release, manifest, buildRecord, policy, places, facts: store.facts(run) };
}
