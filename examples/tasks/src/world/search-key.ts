/**
 * The form in which names are indexed and searched: without case, accents and punctuation, so that “cote d'iv” finds “Côte
 * d’Ivoire”. What is left is letters, digits and single spaces in any script, so a key can be a path segment as it is.
 */
export function searchKey(text: string): string {
  // Upper and then lower case folds more than lower case alone: ß becomes ss.
  const folded = text.normalize('NFKD').toUpperCase().toLowerCase().normalize('NFKD')
  return folded
    .replace(/\p{M}/gu, '')
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim()
}

/** The keys that find a name: one from each of its words to the end, so that “korea” finds “South Korea”. */
export function searchKeysOf(name: string): string[] {
  const words = searchKey(name).split(' ')
  return words[0] === '' ? [] : words.map((_, i) => words.slice(i).join(' '))
}
