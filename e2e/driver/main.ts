const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' })
worker.onmessage = ({ data }) => {
  const output = document.querySelector('output')
  if (output) output.textContent = JSON.stringify(data)
}
