# Reference figures for tests/survey/test_reliability.py: R's psych and the analysis of variance.
# Rscript tests/reference/psych.R     writes psych.json beside itself
# Debian: apt-get install r-base-core r-cran-psych r-cran-gparotation r-cran-jsonlite

suppressPackageStartupMessages({
  library(jsonlite)
  library(psych)
})

here <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)))
quietly <- function(x) {
  sink(tempfile())
  on.exit(sink())
  suppressMessages(suppressWarnings(x))
}

# What alpha and one factor say of answers; missing ones pair by pair, as psych does by itself.
measure <- function(answers) {
  a <- quietly(alpha(answers, check.keys = FALSE, n.iter = 1))
  r <- cov2cor(cov(answers, use = "pairwise"))
  minres <- quietly(fa(r, nfactors = 1, fm = "minres", n.obs = nrow(answers)))
  ml <- quietly(fa(r, nfactors = 1, fm = "ml", n.obs = nrow(answers)))
  implied <- function(fit) sum(fit$loadings)^2 / (sum(fit$loadings)^2 + sum(fit$uniquenesses))
  list(
    alpha = a$total$raw_alpha, standardized = a$total$std.alpha, mean_r = a$total$average_r,
    feldt = c(a$feldt$lower.ci[[1]], a$feldt$upper.ci[[1]]),
    item_total = a$item.stats$r.drop, alpha_if_dropped = a$alpha.drop$raw_alpha,
    omega_minres = quietly(omega(r, nfactors = 1, fm = "minres", n.obs = nrow(answers), plot = FALSE, flip = FALSE))$omega.tot,
    omega_ml_implied = implied(ml), omega_minres_implied = implied(minres),
    loadings_minres = as.numeric(minres$loadings), loadings_ml = as.numeric(ml$loadings)
  )
}

RNGkind("Mersenne-Twister", "Inversion", "Rejection")
set.seed(1)

# -- attitude, complete ---------------------------------------------------------------------------------------------------

attitude_part <- list(
  call = "psych::alpha(attitude); psych::omega(cor, nfactors = 1, fm = 'minres'); psych::fa(cor, fm = 'ml')",
  items = names(attitude), data = as.matrix(attitude)
)
attitude_part$figures <- measure(attitude)

# -- five levels with answers missing, one item turned round --------------------------------------------------------------

n <- 120
true <- rnorm(n)
levels_of <- function(x) pmin(pmax(round(3 + x), 1), 5)
answers <- sapply(c(1, .9, .8, .7, .6), function(w) levels_of(w * true + rnorm(n, sd = .7)))
answers[, 4] <- 6 - answers[, 4]
answers[cbind(sample(n, 60, TRUE), sample(5, 60, TRUE))] <- NA
colnames(answers) <- paste0("q", 1:5)
missing_part <- list(
  call = "psych::alpha(answers, check.keys = FALSE), covariances pairwise; item q4 is turned round",
  items = colnames(answers), data = answers
)
missing_part$figures <- measure(as.data.frame(answers))
complete <- as.data.frame(answers[complete.cases(answers), ])
missing_part$n_complete <- nrow(complete)
missing_part$complete <- quietly(alpha(complete, check.keys = FALSE, n.iter = 1))$total$raw_alpha

# -- ICC(1) of unequal groups ---------------------------------------------------------------------------------------------

size <- sample(c(1, 2, 3, 6), 40, TRUE)
account <- rep(seq_along(size), size)
y <- levels_of(rnorm(40, sd = .8)[account] + rnorm(sum(size), sd = .7))
table <- summary(aov(y ~ factor(account)))[[1]]
n0 <- (sum(size) - sum(size^2) / sum(size)) / (length(size) - 1)
between <- table[1, "Mean Sq"]
within <- table[2, "Mean Sq"]
equal <- matrix(levels_of(rnorm(30, sd = .8) + rnorm(90, sd = .7)), 30)
searle <- quietly(ICC(equal, lmer = FALSE))$results
icc_part <- list(
  call = "aov(y ~ factor(account)), n0 of Donner; psych::ICC(equal, lmer = FALSE), row ICC1, where all groups have three",
  account = account, y = y, between = between, within = within,
  icc = (between - within) / (between + (n0 - 1) * within),
  equal = equal, equal_icc = searle[1, "ICC"],
  equal_interval = c(searle[1, "lower bound"], searle[1, "upper bound"])
)

version_of <- function(name) as.character(packageVersion(name))
writeLines(toJSON(list(
  made_by = "Rscript tests/reference/psych.R",
  versions = list(R = paste(R.version$major, R.version$minor, sep = "."), psych = version_of("psych"), jsonlite = version_of("jsonlite")),
  attitude = attitude_part, missing = missing_part, icc = icc_part
), auto_unbox = TRUE, digits = 10, na = "null"), file.path(here, "psych.json"))
