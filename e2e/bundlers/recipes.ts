import { readFile } from 'node:fs/promises'

/** The page itself is what is tested, so that it cannot say what does not work. */
export const DOCUMENT = new URL('../../docs/bundlers.md', import.meta.url)

/** What docs/bundlers.md says to do with one bundler: a section that has shell commands. */
export interface Recipe {
  readonly name: string
  /** Files that the app has besides the starter's, or in their place. Their first line says which they are. */
  readonly files: ReadonlyMap<string, string>
  /** Run in the app's directory. They leave the page in `dist/`, or serve it. */
  readonly commands: string
}

/** The recipes by name. */
export async function readRecipes(): Promise<ReadonlyMap<string, Recipe>> {
  const sections = (await readFile(DOCUMENT, 'utf8')).split(/^#{2,3} /m).slice(1)
  const recipes = sections.map(readRecipe).filter(({ commands }) => commands !== '')
  return new Map(recipes.map((recipe) => [recipe.name, recipe]))
}

function readRecipe(section: string): Recipe {
  const files = new Map<string, string>()
  let commands = ''
  for (const [, language, code = ''] of section.matchAll(/^```(\w+)\n(.*?)^```$/gms)) {
    const file = code.match(/^(?:\/\/|<!--) ([\w.-]+)(?: -->)?\n/)
    if (language === 'sh') commands += code
    else if (file?.[1]) files.set(file[1], code.slice(file[0].length))
  }
  return { name: section.slice(0, section.indexOf('\n')), files, commands }
}
