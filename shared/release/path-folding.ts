/**
 * The form in which two names are the same to some file system or to somebody's eye: compatibility forms, case and
 * characters without a look of their own are folded away.
 *
 * It folds more than Unicode's NFKC_Casefold, never less: that only refuses more.
 */
const ASCII = /^[\x20-\x7e]*$/;
const INVISIBLE = /\p{Default_Ignorable_Code_Point}/gu;

export function foldName(name: string): string {
  if (ASCII.test(name)) return name.toLowerCase();
  // Twice: a fold can make a compatibility form that the first pass had no reason to touch.
  return foldOnce(foldOnce(name));
}

/** Lower, upper, lower: capital sharp s has no upper form but a lower one, sharp s has an upper one. */
function foldOnce(name: string): string {
  const folded = name.normalize('NFKC').replace(INVISIBLE, '').toLowerCase().toUpperCase().toLowerCase();
  // One spelling of sigma: lower case picks another one at the end of a word.
  return folded.replaceAll('ς', 'σ').normalize('NFKC');
}
