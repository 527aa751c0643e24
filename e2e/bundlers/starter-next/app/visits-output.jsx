'use client'

import { useEffect, useState } from 'react'
import { countVisit } from '../visits.js'

// One a page load: in development, React runs effects twice.
let visit

export function Visits() {
  const [text, setText] = useState('')
  useEffect(() => {
    visit ??= countVisit()
    visit.then(setText)
  }, [])
  return <output>{text}</output>
}
