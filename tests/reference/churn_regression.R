# Reference figures for tests/churn/test_regression_reference.py: R's glm and sandwich, and Firth's likelihood maximized by hand.
# Rscript tests/reference/churn_regression.R     reads churn_regression.csv, writes churn_regression.json beside itself
# Debian: apt-get install r-base-core r-cran-sandwich r-cran-lmtest r-cran-numderiv r-cran-jsonlite

suppressPackageStartupMessages({
  library(jsonlite)
  library(sandwich)
  library(lmtest)
  library(numDeriv)
})

here <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)))
rows <- read.csv(file.path(here, "churn_regression.csv"), colClasses = c(customer_id = "character"))
rows$region <- relevel(factor(rows$region), "north") # the most frequent
plain <- function(x) unname(as.numeric(x))

# -- maximum likelihood, errors clustered by customer --------------------------------------------------------------------

formula <- no_order ~ I(share_late / 0.1) + n_complaints + handover + region
fit <- glm(formula, binomial, rows, control = list(epsilon = 1e-14, maxit = 100))
hc1 <- vcovCL(fit, cluster = ~customer_id, type = "HC1")
hc0 <- vcovCL(fit, cluster = ~customer_id)
test <- coeftest(fit, vcov. = hc1)
limits <- coefci(fit, vcov. = hc1)

# Average marginal effects: mean derivatives of numbers, mean differences of flags and levels (all rows at the reference first).
effects_at <- function(beta) {
  at <- function(change) {
    changed <- eval(substitute(within(rows, e), list(e = change)))
    plogis(drop(model.matrix(formula, changed, xlev = fit$xlevels) %*% beta))
  }
  same <- quote(NULL)
  p <- at(same)
  to <- function(name) bquote(region <- factor(rep(.(name), length(region)), levels = levels(rows$region)))
  c(
    mean(p * (1 - p)) * beta[2],
    mean(p * (1 - p)) * beta[3],
    mean(at(quote(handover <- 1)) - at(quote(handover <- 0))),
    vapply(levels(rows$region)[-1], function(name) mean(at(to(name)) - at(to("north"))), 0)
  )
}
gradient <- jacobian(effects_at, coef(fit))
ml <- list(
  call = "glm(binomial); sandwich::vcovCL(cluster = ~customer_id, type = 'HC1'); lmtest::coeftest, coefci",
  term = names(coef(fit)),
  estimate = plain(coef(fit)),
  std_error = plain(sqrt(diag(hc1))),
  std_error_default = plain(sqrt(diag(hc0))),
  z = plain(test[, "z value"]),
  p_value = plain(test[, "Pr(>|z|)"]),
  ci_low = plain(limits[, 1]),
  ci_high = plain(limits[, 2]),
  log_likelihood = plain(logLik(fit)),
  effect = plain(effects_at(coef(fit))),
  effect_std_error = plain(sqrt(diag(gradient %*% hc1 %*% t(gradient)))),
  vif = plain(diag(solve(cor(model.matrix(fit)[, -1]))))
)

# -- Firth's penalized likelihood by hand: the first origin, 40 customers, one of them with a flag that separates ----------

few <- rows[rows$origin == min(rows$origin), ][1:40, ]
few$flag <- as.numeric(few$no_order == 1 & few$n_complaints > 0)
x <- cbind(1, few$share_late / 0.1, few$flag)
y <- few$no_order
penalized <- function(beta) {
  eta <- drop(x %*% beta)
  p <- plogis(eta)
  sum(plogis(ifelse(y == 1, eta, -eta), log.p = TRUE)) +
    0.5 * as.numeric(determinant(crossprod(x * sqrt(p * (1 - p))))$modulus)
}
maximize <- function(free, fixed = numeric(0), at = integer(0)) {
  full <- function(b) { beta <- numeric(ncol(x)); beta[at] <- fixed; beta[setdiff(seq_len(ncol(x)), at)] <- b; beta }
  best <- free
  for (i in 1:5) best <- optim(best, function(b) -penalized(full(b)), method = "BFGS", control = list(reltol = 1e-16, maxit = 1000))$par
  list(beta = full(best), value = penalized(full(best)))
}
top <- maximize(c(0, 0, 0))
profile <- function(j, value) 2 * (top$value - maximize(top$beta[-j], value, j)$value)
ends <- vapply(seq_len(ncol(x)), function(j) {
  limit <- qchisq(0.95, 1)
  c(
    uniroot(function(v) profile(j, v) - limit, top$beta[j] + c(-15, 0), tol = 1e-10)$root,
    uniroot(function(v) profile(j, v) - limit, top$beta[j] + c(0, 15), tol = 1e-10)$root
  )
}, numeric(2))
slopes <- drop(x[, -1] %*% top$beta[-1])
flic <- coef(glm(y ~ 1, binomial, offset = slopes, control = list(epsilon = 1e-14)))
firth <- list(
  call = "optim(BFGS) of log L + 0.5 log |I|; uniroot of the profile at qchisq(0.95, 1); glm(y ~ 1, offset) for FLIC",
  estimate = plain(top$beta),
  ci_low = plain(ends[1, ]),
  ci_high = plain(ends[2, ]),
  p_value = plain(pchisq(vapply(seq_len(ncol(x)), profile, 0, value = 0), 1, lower.tail = FALSE)),
  flic_intercept = plain(flic),
  flic_mean = mean(plogis(flic + slopes))
)

write_json(
  list(
    made_by = "Rscript tests/reference/churn_regression.R",
    versions = list(
      R = paste(R.version$major, R.version$minor, sep = "."),
      sandwich = as.character(packageVersion("sandwich")),
      lmtest = as.character(packageVersion("lmtest"))
    ),
    ml = ml,
    firth = firth
  ),
  file.path(here, "churn_regression.json"),
  auto_unbox = TRUE, digits = NA, pretty = TRUE
)
