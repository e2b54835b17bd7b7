# Reference figures for tests/churn/test_reference.py: R's markovchain, loglin and msm.
# Rscript tests/reference/markov.R     writes markov.json beside itself
# Debian: apt-get install r-base-core r-cran-markovchain r-cran-msm r-cran-jsonlite

suppressPackageStartupMessages({
  library(jsonlite)
  library(markovchain)
  library(msm)
})

here <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)))
plain <- function(x) unname(unclass(x) + 0)
matrix_of <- function(x) matrix(as.numeric(x), nrow(x))

# Customers who move by a chain; each is seen for a while of its own.
simulate <- function(p, n, longest) {
  states <- rownames(p)
  lapply(seq_len(n), function(i) {
    s <- sample(states[rowSums(p == 1) == 0], 1)
    for (t in seq_len(sample(longest, 1))) s <- c(s, sample(states, 1, prob = p[s[length(s)], ]))
    s
  })
}
joined <- function(sequences) vapply(sequences, paste, "", collapse = "")

RNGkind("Mersenne-Twister", "Inversion", "Rejection")
set.seed(1)
named <- function(values, states) matrix(values, length(states), byrow = TRUE, dimnames = list(states, states))

# -- markovchain: estimates, absorption ---------------------------------------------------------------------------------

ends <- simulate(named(c(
  .70, .20, .06, .04,
  .30, .40, .25, .05,
  0, 0, 1, 0,
  0, 0, 0, 1
), c("a", "b", "L", "M")), 80, 12)
fit <- markovchainFit(ends, method = "mle", possibleStates = c("a", "b", "L", "M"))$estimate
order_ends <- c("a", "b", "L", "M")
absorbed <- absorptionProbabilities(fit)
absorption <- list(
  call = "markovchainFit(sequences, method = 'mle'); absorptionProbabilities(); meanAbsorptionTime()",
  states = order_ends,
  absorbing = c("L", "M"),
  sequences = joined(ends),
  estimate = matrix_of(fit@transitionMatrix[order_ends, order_ends]),
  absorption_probabilities = matrix_of(absorbed[c("a", "b"), c("L", "M")]),
  mean_absorption_time = plain(meanAbsorptionTime(fit)[c("a", "b")])
)

# -- markovchain and loglin: estimates, stationary, order ---------------------------------------------------------------

turns <- simulate(named(c(
  .6, .3, .1,
  .3, .4, .3,
  .1, .3, .6
), c("a", "b", "c")), 120, 15)
fit <- markovchainFit(turns, method = "mle")$estimate
pairs <- Reduce(`+`, lapply(turns, function(s) {
  f <- factor(s, c("a", "b", "c"))
  table(f[-length(f)], f[-1])
}))
triples <- Reduce(`+`, lapply(turns, function(s) {
  f <- factor(s, c("a", "b", "c"))
  n <- length(f)
  if (n < 3) array(0, c(3, 3, 3)) else unclass(table(f[1:(n - 2)], f[2:(n - 1)], f[3:n]))
}))
test_of <- function(counts, margin) {
  found <- loglin(counts, margin, print = FALSE)
  list(g2 = found$lrt, x2 = found$pearson, df = found$df)
}
order <- list(
  call = "markovchainFit(sequences, method = 'mle'); steadyStates(); loglin(pairs, list(1, 2)); loglin(triples, list(c(1, 2), c(2, 3)))",
  states = c("a", "b", "c"),
  sequences = joined(turns),
  estimate = matrix_of(fit@transitionMatrix),
  stationary = plain(steadyStates(fit)[1, ]),
  order_zero = test_of(pairs, list(1, 2)),
  order_one = test_of(triples, list(c(1, 2), c(2, 3)))
)

# -- loglin: Erie County, five monthly tables (Anderson & Goodman 1957 after Lazarsfeld) ------------------------------------

erie <- c(
  125, 5, 16, 7, 106, 15, 11, 18, 142,
  124, 3, 16, 6, 109, 14, 22, 9, 142,
  146, 2, 4, 6, 111, 4, 40, 36, 96,
  184, 1, 7, 4, 140, 5, 10, 12, 82,
  192, 1, 5, 2, 146, 5, 11, 12, 71
)
tables <- aperm(array(erie, c(3, 3, 5)), c(3, 2, 1)) # time, from, to
homogeneity <- c(
  list(call = "loglin(tables, list(c(1, 2), c(2, 3)))", tables = tables),
  test_of(tables, list(c(1, 2), c(2, 3)))
)

# -- msm: heart transplant patients (Sharples et al. 2003) ------------------------------------------------------------------

q0 <- rbind(c(0, .25, 0, .25), c(.166, 0, .166, .166), c(0, .25, 0, .25), c(0, 0, 0, 0))
heart <- msm(state ~ years, subject = PTNUM, data = cav, qmatrix = q0, deathexact = 4)
panel <- list(
  call = "statetable.msm(state, PTNUM, data = cav); msm(state ~ years, subject = PTNUM, data = cav, qmatrix = q0, deathexact = 4); qmatrix.msm(); pmatrix.msm(t = 1, 5)",
  source = "Sharples, Jackson, Parameshwar, Wallwork & Large (2003), Transplantation 76(4): 679-682; data 'cav' of the R package msm",
  states = as.character(1:4),
  sequences = unname(vapply(split(cav$state, cav$PTNUM), paste, "", collapse = "")),
  statetable = matrix_of(statetable.msm(state, PTNUM, data = cav)),
  q = matrix_of(qmatrix.msm(heart, ci = "none")),
  minus2loglik = heart$minus2loglik,
  pmatrix_1 = matrix_of(pmatrix.msm(heart, t = 1)),
  pmatrix_5 = matrix_of(pmatrix.msm(heart, t = 5))
)

write_json(
  list(
    made_by = "Rscript tests/reference/markov.R",
    versions = list(
      R = paste(R.version$major, R.version$minor, sep = "."),
      markovchain = as.character(packageVersion("markovchain")),
      msm = as.character(packageVersion("msm")),
      jsonlite = as.character(packageVersion("jsonlite"))
    ),
    absorption = absorption, order = order, homogeneity = homogeneity, panel = panel
  ),
  file.path(here, "markov.json"),
  digits = 15, auto_unbox = TRUE, pretty = FALSE
)
