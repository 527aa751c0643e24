import { countVisit } from './visits.js'

// Not a top-level await: not every bundler's default output may have one.
countVisit().then((text) => {
  document.querySelector('output').textContent = text
})
