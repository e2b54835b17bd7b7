# Reference figures for tests/survey/test_estimates.py: intervals of R's survey.
# Rscript tests/reference/survey_estimates.R     writes survey_estimates.json beside itself
# Debian: apt-get install r-base-core r-cran-survey r-cran-jsonlite

suppressPackageStartupMessages({
  library(jsonlite)
  library(survey)
})

here <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)))
RNGkind("Mersenne-Twister", "Inversion", "Rejection")
set.seed(1)

# Three strata; the people of an account are a cluster.
size <- c(a = 50, b = 200, c = 400)
accounts <- c(a = 15, b = 25, c = 20)
rows <- do.call(rbind, lapply(names(size), function(h) {
  people <- sample(1:3, accounts[[h]], replace = TRUE)
  account <- rep(paste0(h, seq_len(accounts[[h]])), people)
  data.frame(
    account = account, stratum = h, fpc = size[[h]], weight = size[[h]] / accounts[[h]],
    overall = pmin(5, pmax(1, round(rnorm(length(account), 3.6, 1)))),
    recommend = pmin(10, pmax(0, round(rnorm(length(account), 7.5, 2)))),
    role = sample(c("buyer", "user"), length(account), replace = TRUE)
  )
}))

figures <- function(design) {
  share <- function(formula) {
    p <- svyciprop(formula, design, method = "beta")
    ends <- as.numeric(attr(p, "ci"))
    list(estimate = as.numeric(p)[1], std_error = sqrt(as.numeric(attr(p, "var"))), low = ends[1], high = ends[2])
  }
  mean <- function(formula) {
    m <- svymean(formula, design)
    ends <- confint(m, df = degf(design))
    ends <- as.numeric(ends)
    m <- c(as.numeric(coef(m)), as.numeric(SE(m)))
    k <- length(m) / 2
    list(estimate = m[k], std_error = m[2 * k], low = ends[k], high = ends[2 * k])
  }
  list(
    df = degf(design), n = nrow(design),
    top_two = share(~I(overall >= 4)), bottom_two = share(~I(overall <= 2)), level_5 = share(~I(overall == 5)),
    mean = mean(~overall), net = mean(~as.numeric((recommend >= 9) - (recommend <= 6)))
  )
}

with_fpc <- svydesign(id = ~account, strata = ~stratum, weights = ~weight, fpc = ~fpc, data = rows)
without <- svydesign(id = ~account, strata = ~stratum, weights = ~weight, data = rows)

result <- list(
  versions = list(R = paste(R.version$major, R.version$minor, sep = "."), survey = as.character(packageVersion("survey"))),
  call = "svydesign(id = ~account, strata = ~stratum, weights = ~weight, fpc = ~fpc); svyciprop(method = 'beta'); confint(svymean, df = degf)",
  rows = rows,
  all = figures(with_fpc),
  without_fpc = figures(without),
  buyer = figures(subset(with_fpc, role == "buyer"))
)
write_json(result, file.path(here, "survey_estimates.json"), auto_unbox = TRUE, digits = 12, pretty = FALSE)
