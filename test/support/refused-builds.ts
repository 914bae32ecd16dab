/** Tables of what a build refuses: each row an input nobody should release; after each, nothing stands on disk. */
import { expect } from 'chai';
import type { BuildRefused } from '../../control-plane/build/build-checks.ts';
import type { BuildRequest } from '../../control-plane/build/build-release.ts';
import { BuildPlace, buildableRepository } from './build-repository.ts';
import type { GitRepository } from './git-repository.ts';

export interface Refusal {
  readonly name: string;
  /** What is done to a repository that builds. */
  readonly given: (repository: GitRepository) => void;
  readonly request?: Partial<BuildRequest>;
  readonly code: string;
  /** Words of the message or of the hint. */
  readonly says: string;
}

type Change = (repository: GitRepository) => unknown;

/** A change that is committed. */
export function committed(change: Change): Refusal['given'] {
  return (repository) => {
    change(repository);
    repository.commit();
  };
}

/** A commit, and what happens afterwards. */
export function committedThen(change: Change): Refusal['given'] {
  return (repository) => {
    repository.commit();
    change(repository);
  };
}

export function refusesEach(rows: readonly Refusal[], count: number): void {
  it(`has ${count} rows`, () => {
    expect(rows).to.have.length(count);
  });
  for (const { name, given, request = {}, code, says } of rows) {
    it(`refuses ${name}, says what to do, and leaves nothing behind`, () =>
      inBuildPlace(async (repository, place) => {
        given(repository);
        const refusal = await refusalOf(place.build(repository.path, request));
        expect(refusal).to.have.property('code', code);
        expect(`${refusal.message}\n${refusal.hint ?? ''}`).to.include(says);
        expect(place.left()).to.deep.equal([]);
      }));
  }
}

export async function inBuildPlace(
  use: (repository: GitRepository, place: BuildPlace) => Promise<void>,
): Promise<void> {
  const repository = buildableRepository();
  const place = new BuildPlace();
  try {
    await use(repository, place);
  } finally {
    place.remove();
    repository.remove();
  }
}

export async function refusalOf(building: Promise<unknown>): Promise<BuildRefused> {
  return building.then(
    () => {
      throw new Error('the build was not refused');
    },
    (error: BuildRefused) => error,
  );
}
